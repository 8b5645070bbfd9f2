// npm run tracker: the issue tracker of examples/tracker, built and served, from a fresh clone.
import { join, resolve } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { bin, must, root, runTogether, say } from "./run.mjs"

const port = process.env.PORT ?? "3001"
const dataDir = resolve(root, process.env.LF_DATA_DIR ?? ".lf-tracker")

const app = { cwd: join(root, "examples/tracker") }
const next = join(root, ...bin.next)

await ensureInstalled()
await ensureBuilt()
say("building the tracker (next build)")
await must(process.execPath, [next, "build"], { ...app, env: { NODE_ENV: "production" } })

say(`http://localhost:${port}  (data in ${dataDir}, PORT and LF_DATA_DIR change them, Ctrl+C ends it)`)
runTogether([
  {
    command: process.execPath,
    args: [next, "start", "--port", port],
    ...app,
    env: { NODE_ENV: "production", LF_DATA_DIR: dataDir },
  },
])
