// npm run mutants: the shipped core with one small fault at a time; a test must fail for each.
//   npm run mutants                                   all; a file under its floor fails
//   npm run mutants -- packages/core/src/journal      a folder or a file
//   npm run mutants -- --again                        of the last run only those that survived, with new tests
//   npm run mutants -- --sample 100 --seed 7          so many of one area, all chosen by the seed
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureInstalled } from "./install.mjs"
import { chosenAreas, isBelow, sampler } from "./mutants/choice.mjs"
import { runArea } from "./mutants/run-area.mjs"
import { printScores } from "./mutants/scores.mjs"
import { root, say } from "./run.mjs"

/** A sample under its floor is judged again, so many times as large. */
const WIDER = 4
const resultFile = join(root, "proof/mutants.json")

await ensureInstalled()
const args = process.argv.slice(2)
const last = args.includes("--again") ? JSON.parse(readFileSync(resultFile, "utf8")) : undefined
const sample = numberAfter("--sample")
const seed = numberAfter("--seed") ?? 1
const named = args.filter((arg, at) => !arg.startsWith("--") && !args[at - 1]?.startsWith("--"))
const parts = named.length === 0 ? (last?.parts ?? []) : named

const mutants = last?.mutants.filter(({ file, state }) => !isPart(file) || state !== "survived") ?? []
const settled = new Set(mutants.map(nameOf))
const isOpen = (mutant) => isPart(mutant.file) && !settled.has(nameOf(mutant))
await judge(sampler(sample, seed))
let result = printScores(mutants, sample)
if (sample !== undefined && !result.isEnough && mutants.length > 0) {
  // Two of five survive by chance on one day of 25; with these, too many do on one of 300.
  say(`under the floor: ${sample * WIDER} are judged`)
  for (const mutant of mutants) settled.add(nameOf(mutant))
  await judge(sampler(sample * WIDER, seed))
  result = printScores(mutants, sample)
}
writeFileSync(resultFile, `${JSON.stringify({ parts, sample, seed, ...result }, null, 2)}\n`)
if (sample !== undefined) say(`again: npm run mutants -- ${[...parts, "--sample", sample, "--seed", seed].join(" ")}`)
const { count, survived, score } = result.all
console.log(`${count} mutants, ${survived} survived, score ${score.toFixed(1)}`)
process.exitCode = result.isEnough ? 0 : 1

/** Runs the mutants that are drawn of each area and not settled yet. */
async function judge(draw) {
  for (const area of chosenAreas(parts, sample, seed)) {
    const startedMs = performance.now()
    const more = await runArea(area, (all) => draw(all.filter(({ file }) => isPart(file))).filter(isOpen))
    for (const mutant of more) mutants.push(mutant)
    say(`mutants: ${area.name}, ${more.length} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
  }
}

function isPart(file) {
  return parts.length === 0 || parts.some((part) => isBelow(file, part))
}

/** The same in the next run, though lines may have moved. */
function nameOf({ file, operator, line, from, to }) {
  return [file, operator, line, from, to].join("\n")
}

function numberAfter(flag) {
  const at = args.indexOf(flag)
  return at < 0 ? undefined : Number(args[at + 1])
}
