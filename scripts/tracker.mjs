// npm run tracker: the issue tracker of examples/tracker, built and served, from a fresh clone.
import { resolve } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { root, runTogether, say } from "./run.mjs"
import { buildTracker, tracker } from "./server.mjs"

const port = process.env.PORT ?? "3001"
const dataDir = resolve(root, process.env.LF_DATA_DIR || ".lf-tracker")

await ensureInstalled()
await ensureBuilt()
await buildTracker()

say(`http://localhost:${port}  (data in ${dataDir}, PORT and LF_DATA_DIR change them, Ctrl+C ends it)`)
runTogether([
  {
    command: process.execPath,
    args: [tracker.next, "start", "--port", port],
    cwd: tracker.cwd,
    env: { NODE_ENV: "production", LF_DATA_DIR: dataDir },
  },
])
