// npm run bench [-- name… --quick]: bench/ has dependencies of its own (the neighbours it compares with).
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { must, root, say } from "./run.mjs"

await ensureInstalled()
if (!isInstalled()) {
  say("installing the benchmarks' dependencies (npm ci in bench/)")
  await must("npm", ["ci", "--prefix", "bench", "--no-audit", "--no-fund"])
}
await ensureBuilt()
await must(process.execPath, ["--expose-gc", "bench/run.mjs", ...process.argv.slice(2)])

/** npm writes its own lockfile last, so an installation that is newer than ours is whole and of it. */
function isInstalled() {
  const installed = join(root, "bench", "node_modules", ".package-lock.json")
  return existsSync(installed) && statSync(installed).mtimeMs > statSync(join(root, "bench", "package-lock.json")).mtimeMs
}
