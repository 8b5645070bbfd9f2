// npm run bench [-- name… --quick]: bench/ has dependencies of its own (the neighbours it compares with).
import { existsSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { must, root, say } from "./run.mjs"

await ensureInstalled()
const has = (file) => existsSync(join(root, "bench", file))
if (!has("run.mjs")) {
  process.stderr.write("There is no bench/run.mjs: nothing to measure yet.\n")
  process.exit(1)
}
if (has("package.json")) {
  const verb = has("package-lock.json") ? "ci" : "install"
  say(`installing the benchmarks' dependencies (npm ${verb} in bench/)`)
  await must("npm", [verb, "--prefix", "bench", "--no-audit", "--no-fund"])
}
await ensureBuilt()
await must(process.execPath, ["--expose-gc", "bench/run.mjs", ...process.argv.slice(2)])
