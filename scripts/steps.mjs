// The steps that `npm run check` and `npm test` share, and the table in which they end.
import { packagesStep } from "./packages.mjs"
import { bin, packages, run, say } from "./run.mjs"

const node = process.execPath

/** The tests beside the code that stores and decodes bytes: what only a simulation reaches there has no named test. */
export const bytesTests = [
  "packages/core/src/journal/",
  "packages/core/src/storage/",
  "packages/core/src/network/",
  "packages/core/src/relay/",
  "packages/core/src/local/",
  "packages/core/src/remote/",
  "packages/next/src/node/fence",
  "packages/next/src/node/fs-log",
]

/** Lint and types side by side, so the unused and the packed, then the unit tests. Every step runs, also after a failed one. */
export async function checkSteps(vitestArgs = [], env = {}) {
  say("lint (biome) and types (tsc), side by side")
  const [lint, types] = await Promise.all([
    run(node, [...bin.biome, "check", "--error-on-warnings", "."], { quiet: true }),
    typeStep(),
  ])
  for (const { output } of [lint, types]) if (output.trim()) process.stdout.write(output)
  say("what is unused (knip) and what is packed (publint, attw), side by side")
  const [unused, packed] = await Promise.all([run(node, bin.knip, { quiet: true }), packagesStep()])
  for (const { code, output } of [unused, packed]) if (code !== 0) process.stdout.write(output)
  say("unit tests and a short simulation (vitest)")
  const unit = await run(node, [...bin.vitest, "run", ...vitestArgs], {
    env: { LF_SIM_SEEDS: process.env.LF_SIM_SEEDS ?? "50", ...env },
  })
  return [
    { name: "lint", ...lint },
    { name: "types", ...types },
    { name: "unused", ...unused },
    { name: "packages", ...packed },
    { name: "unit", ...unit },
  ]
}

// The app is checked against the packages' built types, so even a failed build is followed by a look at the app.
async function typeStep() {
  const built = await run(node, [...bin.tsc, "-b", ...packages], { quiet: true })
  const app = await run(node, [...bin.tsc, "-p", "tsconfig.json", "--noEmit"], { quiet: true })
  const proof = await run(node, [...bin.tsc, "-p", "proof"], { quiet: true })
  const tests = await run(node, [...bin.tsc, "-p", "tsconfig.tests.json"], { quiet: true })
  const all = [built, app, proof, tests]
  return {
    code: all.find(({ code }) => code !== 0)?.code ?? 0,
    output: all.map(({ output }) => output).join(""),
    seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
  }
}

export function printTable(steps) {
  process.stdout.write("\n")
  for (const { name, code, seconds, note = "" } of steps) {
    const verdict = code === 0 ? "ok" : "FAILED"
    process.stdout.write(`  ${name.padEnd(10)} ${verdict.padEnd(7)} ${seconds.toFixed(1).padStart(7)} s  ${note}\n`)
  }
  process.stdout.write("\n")
}
