// npm test: everything, from a fresh clone. The last line is the count.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { browserTests } from "./browser-tests.mjs"
import { ensureInstalled } from "./install.mjs"
import { findPostgres } from "./postgres.mjs"
import { proveAll } from "./proofs.mjs"
import { describeFailures, lastLines, readReport } from "./reports.mjs"
import { bin, root, run, say } from "./run.mjs"
import { buildServer } from "./server.mjs"
import { bytesTests, checkSteps, printTable } from "./steps.mjs"
import { findTool } from "./tools.mjs"

const node = process.execPath
const reports = mkdtempSync(join(tmpdir(), "lf-test-"))
const vitestReport = join(reports, "vitest.json")
const coverageReport = join(reports, "coverage.json")
const playwrightReport = join(reports, "playwright.json")
const reportOf = { unit: vitestReport, coverage: coverageReport, browser: playwrightReport }

// Whatever ends this process early, even npm ci, is counted.
let isCounted = false
process.on("exit", (code) => {
  if (isCounted) return
  process.exitCode = code || 1
  process.stdout.write("0 passed, 1 failed\n")
})

await ensureInstalled()
// Some unit tests look through these; without one they do less, and the proofs say so.
for (const tool of ["sqlite3", "strace", "nginx"]) await findTool(tool).catch((error) => say(error.message))
await findPostgres().catch((error) => say(error.message))
// The proofs run thousands of seeds below.
process.env.LF_SIM_SEEDS ??= "5"
// Tests whose branches are counted run once, in their own step.
const steps = await checkSteps(reportTo(vitestReport), {
  LF_LEAVES_OUT: bytesTests.join(" "),
  LF_COUNTED_CONNECTIONS: "300",
})
say("unit tests whose branches are counted (npm run coverage), and the app's build beside them")
const [coverage, built] = await Promise.all([
  run(node, ["scripts/coverage.mjs", ...reportTo(coverageReport)], { quiet: true }),
  build(),
])
if (coverage.code !== 0) process.stdout.write(coverage.output)
steps.push({ name: "coverage", ...coverage }, { name: "build", ...built })
steps.push(await browserTests({ PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightReport }))
steps.push(await mutantSample())
say("proofs, two at a time")
const proofs = await proveAll()
writeFileSync(join(root, "proof/results.json"), `${JSON.stringify(proofs.figures, null, 2)}\n`)
for (const proof of proofs.steps) steps.push({ ...proof, isOne: true })

const counts = steps.map((step) => countStep(step))
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
const failed = counts.reduce((sum, count) => sum + count.failed, 0)
printTable(steps.map((step, index) => ({ ...step, note: step.note ?? describeCount(counts[index]) })))
process.stdout.write(describeFailures(counts.flatMap(({ failures }) => failures)))
rmSync(reports, { recursive: true, force: true })
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
isCounted = true
process.stdout.write(`${passed} passed, ${failed} failed\n`)

function reportTo(file) {
  return ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`]
}

async function build() {
  say("building the app (next build)")
  const next = await run(node, [...bin.next, "build"])
  const server = await buildServer()
  return { code: next.code || server.code, seconds: next.seconds + server.seconds }
}

/** Another area each day, so that all have their turn. */
async function mutantSample() {
  const seed = Math.floor(Date.now() / 86_400_000)
  const sample = 5
  say(`a sample of mutants: npm run mutants -- --sample ${sample} --seed ${seed}`)
  const done = await run(node, ["scripts/mutants.mjs", "--sample", String(sample), "--seed", String(seed)], {
    quiet: true,
  })
  if (done.code !== 0) process.stdout.write(done.output)
  return { name: "mutants", isOne: true, note: done.output.trimEnd().split("\n").at(-1), ...done }
}

/** A step that broke without counting is one failure. A proof is one promise, however many cases it tried. */
function countStep(step) {
  if (step.isOne && step.code === 0) return { passed: 1, failed: 0, failures: [] }
  const report = reportOf[step.name]
  const count = report === undefined ? { passed: 0, failed: 0, failures: [] } : readReport(report)
  if (step.code === 0 || count.failed > 0) return count
  return { ...count, failed: 1, failures: [{ name: step.name, message: lastLines(step.output ?? "") }] }
}

function describeCount({ passed, failed }) {
  return passed + failed === 0 ? "" : `${passed} passed, ${failed} failed`
}
