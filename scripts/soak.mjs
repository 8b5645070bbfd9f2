// npm run soak [-- 60]: every proof for as many minutes as fit, from seeds that no earlier run had, then all end-to-end tests,
// the other versions of PostgreSQL and all mutants. Prints what it found.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { browserTests } from "./browser-tests.mjs"
import { ensureInstalled } from "./install.mjs"
import { postgresSteps } from "./postgres-versions/steps.mjs"
import { proveAll } from "./proofs.mjs"
import { root, run, say } from "./run.mjs"
import { buildServer, ensureApp } from "./server.mjs"
import { printTable } from "./steps.mjs"

const minutes = Number(process.argv[2] ?? 60)
if (!(minutes > 0)) {
  process.stderr.write("npm run soak -- 60: for so many minutes\n")
  process.exit(1)
}
await ensureInstalled()
// The day's own seeds: a night that repeats the last one finds nothing new.
const from = Math.floor(Date.now() / 86_400_000) * 1_000_000_000
say(`soaking for ${minutes} minutes, seeds from ${from}`)
const { steps, figures } = await proveAll({ minutes, from })
say("all end-to-end tests, those among them that npm test leaves out")
await ensureApp()
const server = await buildServer()
steps.push(server.code === 0 ? await browserTests({ LF_E2E_ALL: "1" }) : { name: "browser", ...server })
steps.push(...(await postgresSteps()))
say("all mutants (npm run mutants)")
const mutants = await run(process.execPath, ["scripts/mutants.mjs"], { quiet: true })
process.stdout.write(mutants.output)
steps.push({ name: "mutants", ...mutants, note: mutants.output.trimEnd().split("\n").at(-1) })
printTable(steps)
writeFileSync(join(root, "proof/soak.json"), `${JSON.stringify({ minutes, from, figures }, null, 2)}\n`)
process.exitCode = steps.every(({ code }) => code === 0) ? 0 : 1
