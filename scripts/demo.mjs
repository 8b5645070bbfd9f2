// npm run demo: the todo list, built and served, from a fresh clone.
import { resolve } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { root, runTogether, say } from "./run.mjs"
import { buildServer, ensureApp, serverFile } from "./server.mjs"

const port = process.env.PORT ?? "3000"
const dataDir = process.env.LF_DATA_DIR || ".lf"

await ensureInstalled()
await ensureBuilt()
await ensureApp()
const server = await buildServer()
if (server.code !== 0) process.exit(server.code)

const hasDatabase = process.env.LF_DATABASE_URL?.match(/\S+/g)
const place = hasDatabase ? "the PostgreSQL of LF_DATABASE_URL" : resolve(root, dataDir)
say(`http://localhost:${port}  (data in ${place}, PORT and LF_DATA_DIR change them, Ctrl+C ends it)`)
runTogether([
  {
    command: process.execPath,
    args: ["--enable-source-maps", serverFile],
    env: { NODE_ENV: "production", PORT: port, LF_DATA_DIR: dataDir },
  },
])
