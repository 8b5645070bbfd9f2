// One area: a run of each test without a mutant, to see what it reaches and what it costs, then each mutant against its tests.
import { dirname } from "node:path"
import { say } from "../run.mjs"
import { argumentFor } from "./argued.mjs"
import { bundle, instrument } from "./instrument.mjs"
import { Lane } from "./lanes.mjs"

const laneCount = 2
/** Mutants per process: what runs leave behind in it adds up. */
const chunkSize = 60
/** Time limit without a mutant, ms: only a slow machine comes near it. */
const plainMsMax = 240_000
/** What the tests of one mutant may cost together: the cheapest of those that reach it. */
const costMsMax = 4_000
/** A run that takes this many times as long as without its mutant counts as hung. */
const patience = 6
const patienceMs = 3_000
/** A line that is passed this many times as often counts as an endless loop. */
const hitsFactor = 100
const hitsMin = 10_000

/** The mutants of an area with their `state`: killed, timed out or survived. `choose` leaves some out. */
export async function runArea(area, choose = (mutants) => mutants) {
  const { mutants, contents } = await instrument(area)
  const chosen = choose(mutants)
  if (chosen.length === 0) return []
  const files = await bundle(area, contents)
  const lanes = Array.from({ length: laneCount }, () => new Lane(area.environment))
  try {
    const plain = []
    await each(lanes, [...files], async (lane, file) => void plain.push(await plainRun(lane, file)))
    const judged = []
    await each(lanes, chunksOf([...chosen]), async (lane, chunk) => {
      for (const mutant of await judgeAll(lane, chunk, plain)) judged.push(mutant)
      say(`mutants: ${area.name}, ${judged.length} of ${chosen.length}`)
    })
    judged.sort((a, b) => a.id - b.id)
    return judged.map((mutant) => ({ ...mutant, argued: argumentFor(mutant) }))
  } finally {
    for (const lane of lanes) lane.close()
  }
}

/** Its tests measure the stack, of which a lane has another than vitest: they may fail in one, and then they judge nothing. */
const isOfTheStack = (name) => /\bT43\b/.test(name)

/** Twice: once to count what is reached, once for the time, which counting takes much of. @throws when a test fails without a mutant */
async function plainRun(lane, file) {
  const counted = await lane.run({ file, mutant: null, goesOn: true }, plainMsMax)
  const timed = await lane.run({ file, mutant: "none", goesOn: true }, plainMsMax)
  if (counted === null || timed === null) throw new Error(`${file.test} hangs without a mutant`)
  const failed = new Set([...counted.tests, ...timed.tests].flatMap(({ name, isFailed }) => (isFailed ? [name] : [])))
  for (const name of failed) {
    if (!isOfTheStack(name)) throw new Error(`${file.test} fails without a mutant: ${name}`)
    say(`mutants: left out, since a lane has another stack: ${file.test}: ${name}`)
  }
  const tests = timed.tests.filter(({ name }) => !failed.has(name))
  if (tests.length === 0) throw new Error(`${file.test} fails without a mutant: ${timed.why ?? counted.why}`)
  const { static: always = {}, perTest = {} } = counted.reach ?? {}
  return { file, tests, always, perTest }
}

/**
 * Some mutants in one process. At its end the tests that failed in it must pass without a mutant, or it was not the mutants
 * that broke them: what such a test judged is judged again, each mutant in a process of its own.
 */
async function judgeAll(lane, mutants, plain) {
  lane.close()
  const judged = []
  for (const mutant of mutants)
    judged.push(await judge(lane, mutant, plain, judged.findLast(({ failed }) => failed)?.failed))
  const doubtful = new Set()
  for (const file of new Set(judged.flatMap(({ failed }) => failed?.file ?? []))) {
    const names = [...new Set(judged.flatMap(({ failed }) => (failed?.file === file ? [failed.name] : [])))]
    const answer = await lane.run({ file, mutant: "none", names }, plainMsMax)
    if (answer === null || answer.failed !== null) doubtful.add(file)
  }
  lane.close()
  for (const [i, mutant] of mutants.entries()) {
    if (!doubtful.has(judged[i].failed?.file)) continue
    judged[i] = await judge(lane, mutant, plain)
    lane.close()
  }
  return judged.map(({ failed, ...mutant }) => mutant)
}

/** A mutant meets the tests that reach it, file by file, the `likely` one first, until one fails. */
async function judge(lane, mutant, plain, likely) {
  const runs = begunWith(likely, plan(mutant, plain))
  for (const { file, names, ms, hits } of runs) {
    const job = { file, mutant: mutant.id, names, hitsMax: hits * hitsFactor + hitsMin }
    const answer = await lane.run(job, ms * patience + patienceMs)
    if (answer === null || answer.isEndless) return { ...mutant, state: "timed out", by: file.test }
    const { failed, why } = answer
    if (failed !== null)
      return { ...mutant, state: "killed", by: `${file.test}: ${failed}: ${why}`, failed: { file, name: failed } }
  }
  return { ...mutant, state: "survived", by: runs.length === 0 ? "no test reaches it" : "" }
}

/** Tests beside the file first: what every test passes by, the cheap ones elsewhere may not check closely. */
function plan({ id, file: mutated }, plain) {
  const reaching = plain.flatMap(({ file, tests, always, perTest }) =>
    tests
      .filter(({ name }) => always[id] !== undefined || perTest[name]?.[id] !== undefined)
      .map(({ name, ms }) => ({ file, name, ms, hits: (always[id] ?? 0) + (perTest[name]?.[id] ?? 0) })),
  )
  const isBeside = ({ file }) => Number(dirname(file.test) === dirname(mutated))
  reaching.sort((a, b) => isBeside(b) - isBeside(a) || a.ms - b.ms)
  let costMs = 0
  const byFile = new Map()
  for (const { file, name, ms, hits } of reaching) {
    costMs += ms
    if (costMs > costMsMax) break
    const run = byFile.get(file) ?? { file, names: [], ms: 0, hits: 0 }
    byFile.set(file, run)
    run.names.push(name)
    run.ms += ms
    run.hits += hits
  }
  return [...byFile.values()].sort((a, b) => isBeside(b) - isBeside(a) || a.ms - b.ms)
}

/** The test that detected one mutant mostly detects the next one too. */
function begunWith(likely, runs) {
  const run = runs.find(({ file, names }) => file === likely?.file && names.includes(likely.name))
  if (run === undefined || run.names.length === 1) return runs
  const rest = { ...run, names: run.names.filter((name) => name !== likely.name) }
  return [{ ...run, names: [likely.name] }, ...runs.map((one) => (one === run ? rest : one))]
}

/** Each lane takes the next item when it has done one. */
async function each(lanes, waiting, work) {
  const take = async (lane) => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(lane, item)
  }
  await Promise.all(lanes.map(take))
}

function chunksOf(items) {
  const chunks = []
  while (items.length > 0) chunks.push(items.splice(0, chunkSize))
  return chunks
}
