// One of several processes that compete for one data directory and one document of it. It prints its id, "refused CODE" as
// long as another owns them, then a line for each step (append-loop.ts). Its second argument selects what it opens
// first: the directory or the document alone.
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { acquireDirectory, openFsLog } from "../node/fs-log.ts"
import { appendUntilStopped, patiently } from "./append-loop.ts"

const [dataDir, wanted] = process.argv.slice(2)
const say = (line: string | number) => process.stdout.write(`${line}\n`)
const refused = (code: string) => say(`refused ${code}`)

say(`pid ${process.pid}`)
if (wanted === "directory") await patiently(() => acquireDirectory(dataDir), refused)
await appendUntilStopped(await patiently(() => openFsLog(join(dataDir, "docs", "d")), refused), say)
// Deposed or not, it keeps running, as a server would.
await setTimeout(60_000)
