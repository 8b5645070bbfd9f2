// npm run sim [-- --seeds 1000 --from 7]: the simulator outside vitest, for long runs and for one seed.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { must, root } from "./run.mjs"

const cli = "packages/core/dist/testing/cli.js"

await ensureInstalled()
await ensureBuilt()
if (!existsSync(join(root, cli))) {
  process.stderr.write(`There is no ${cli}: the simulator has no command line yet.\n`)
  process.exit(1)
}
await must(process.execPath, ["--enable-source-maps", cli, ...process.argv.slice(2)])
