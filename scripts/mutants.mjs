// npm run mutants: the shipped core with one small fault at a time, each of which a test must notice.
//   npm run mutants                                   all; a file under its floor fails
//   npm run mutants -- packages/core/src/journal      a folder or a file
//   npm run mutants -- --sample 100 --seed 7          so many of one area, all chosen by the seed
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureInstalled } from "./install.mjs"
import { runArea } from "./mutants/run-area.mjs"
import { chosenAreas, printScores, sampler } from "./mutants/scores.mjs"
import { root, say } from "./run.mjs"

await ensureInstalled()
const args = process.argv.slice(2)
const sample = numberAfter("--sample")
const seed = numberAfter("--seed") ?? 1
const parts = args.filter((arg, at) => !arg.startsWith("--") && !args[at - 1]?.startsWith("--"))
const choose = sampler(parts, sample, seed)

const mutants = []
for (const area of chosenAreas(parts, sample, seed)) {
  const startedMs = performance.now()
  const more = await runArea(area, choose)
  mutants.push(...more)
  say(`mutants: ${area.name}, ${more.length} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
}
const result = printScores(mutants, sample)
writeFileSync(join(root, "proof/mutants.json"), `${JSON.stringify({ parts, sample, seed, ...result }, null, 2)}\n`)
if (sample !== undefined) say(`again: npm run mutants -- ${[...parts, "--sample", sample, "--seed", seed].join(" ")}`)
const { count, survived, score } = result.all
console.log(`${count} mutants, ${survived} survived, score ${score.toFixed(1)}`)
process.exitCode = result.isEnough ? 0 : 1

function numberAfter(flag) {
  const at = args.indexOf(flag)
  return at < 0 ? undefined : Number(args[at + 1])
}
