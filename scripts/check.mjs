// npm run check: lint, types, unit tests but those of databases and processes, with a short simulation. Under two minutes.
import { ensureInstalled } from "./install.mjs"
import { checkSteps, printTable } from "./steps.mjs"

await ensureInstalled()
const steps = await checkSteps([], { LF_SIM_SEEDS: "15", LF_LEAVES_OUT_LONG: "1" })
printTable(steps)
process.exitCode = steps.every((step) => step.code === 0) ? 0 : 1
