// node children/persist.mjs <directory> <rows>: writes a rolled-up document there.
import { openFsLog } from "../../packages/next/dist/node/fs-log.js"
import { store } from "../stored.mjs"
import { seeded } from "../todos.mjs"

const [directory, rows] = process.argv.slice(2)
const opened = await openFsLog(directory)
const { storage } = await seeded(Number(rows))
await store(opened, storage)
