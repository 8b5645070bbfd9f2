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
say("the benchmarks' own dependencies")
await ensureInstalled(join(root, "bench"))
await ensureBuilt()
await must(process.execPath, ["--expose-gc", "bench/run.mjs", ...process.argv.slice(2)])
