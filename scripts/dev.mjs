// npm run dev: `next dev` on packages that are compiled as they are edited.
import { ensureBuilt, ensureInstalled } from "./install.mjs"
import { bin, packages, runTogether } from "./run.mjs"

await ensureInstalled()
await ensureBuilt()
runTogether([
  { command: process.execPath, args: [...bin.tsc, "-b", "--watch", "--preserveWatchOutput", ...packages] },
  { command: process.execPath, args: [...bin.next, "dev", ...process.argv.slice(2)] },
])
