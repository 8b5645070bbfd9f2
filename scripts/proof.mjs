// npm run proof: every proof at the size that CI runs, two at a time. npm run proof -- seeds --seed 7: one of them, one case.
import { ensureInstalled } from "./install.mjs"
import { proofNames, proveAll, proveOne } from "./proofs.mjs"
import { printTable } from "./steps.mjs"

await ensureInstalled()
const [name, ...args] = process.argv.slice(2)
if (name === undefined) {
  const { steps } = await proveAll()
  printTable(steps)
  process.exitCode = steps.every(({ code }) => code === 0) ? 0 : 1
} else if (proofNames.includes(name)) {
  process.exitCode = await proveOne(name, args)
} else {
  process.stderr.write(`There is no proof ${name}. There are: ${proofNames.join(", ")}\n`)
  process.exitCode = 1
}
