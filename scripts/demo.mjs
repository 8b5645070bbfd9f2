// npm run demo: the todo list, built and served, from a fresh clone.
import { readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { bin, must, packages, root, runTogether, say } from "./run.mjs"
import { buildServer, serverFile } from "./server.mjs"

const port = process.env.PORT ?? "3000"
const dataDir = process.env.LF_DATA_DIR ?? ".lf"

await ensureInstalled()
await ensureBuilt()
if (isBuildFresh()) {
  say("the app is built")
} else {
  say("building the app (next build)")
  await must(process.execPath, [...bin.next, "build"], { env: { NODE_ENV: "production" } })
}
const server = await buildServer()
if (server.code !== 0) process.exit(server.code)

say(`http://localhost:${port}  (data in ${resolve(root, dataDir)}, PORT and LF_DATA_DIR change them, Ctrl+C ends it)`)
runTogether([
  {
    command: process.execPath,
    args: ["--enable-source-maps", serverFile],
    env: { NODE_ENV: "production", PORT: port, LF_DATA_DIR: dataDir },
  },
])

function isBuildFresh() {
  const builtMs = newestMs(join(root, ".next/BUILD_ID"))
  const sources = ["app", "next.config.mjs", "lf.server.ts", "instrumentation.ts", "package-lock.json"]
  const inputs = [...sources, ...packages.map((name) => `${name}/dist`)]
  return builtMs > 0 && inputs.every((input) => newestMs(join(root, input)) < builtMs)
}

/** Modification time of the file, or of the newest file under the folder; 0 if there is none. */
function newestMs(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMs(join(path, name))), 0)
}
