// npm run test:postgres -- [16 …]: the tests of @lf/postgres on versions of PostgreSQL besides the machine's own.
import { ensureInstalled } from "./install.mjs"
import { postgresSteps, versions } from "./postgres-versions/steps.mjs"
import { printTable } from "./steps.mjs"

const asked = process.argv.slice(2)
if (asked.some((version) => !versions.includes(version))) {
  process.stderr.write(`usage: npm run test:postgres -- [${versions.join("|")}] …\n`)
  process.exit(2)
}
await ensureInstalled()
const steps = await postgresSteps(asked.length > 0 ? asked : versions)
printTable(steps)
const failed = steps.filter(({ code }) => code !== 0).length
process.stdout.write(`${steps.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
