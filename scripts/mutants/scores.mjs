// The scores of a run, and whether they suffice.
import { floorOf } from "./areas.mjs"
import { flat } from "./argued.mjs"

/** Lowest accepted score of a sample: each area scores at least ten more, so less of a large one is no accident. */
const sampleFloor = 75

/** The survivors and a table by file. A sample is too small for a file: there the floor is that of all together. */
export function printScores(mutants, sample) {
  for (const mutant of mutants.filter(({ state, argued }) => state === "survived" && argued === undefined)) {
    const { file, lineNo, operator, line, from, to, by } = mutant
    console.log(`survived: ${file}:${lineNo} ${operator} ${by}\n    ${line}\n  - ${short(from)}\n  + ${short(to)}`)
  }
  const wronglyArgued = mutants.filter(({ state, argued }) => argued !== undefined && state === "killed")
  for (const { file, line, by } of wronglyArgued) console.log(`argued, but killed by ${by}: ${file}: ${line}`)
  const files = [...new Set(mutants.map(({ file }) => file))].sort().map((file) => row(file, mutants, floorOf(file)))
  const all = row("all", mutants, sample === undefined ? 0 : sampleFloor)
  console.log("\n| file | mutants | killed | survived | timed out | argued | score |\n|---|---|---|---|---|---|---|")
  for (const { file, count, killed, survived, timedOut, argued, score, floor } of [...files, all]) {
    const note = sample === undefined && score < floor ? ` (under ${floor})` : ""
    console.log(
      `| ${file.replace("packages/", "")} | ${count} | ${killed} | ${survived} | ${timedOut} | ${argued} | ${score.toFixed(1)}${note} |`,
    )
  }
  const isEnough = sample === undefined ? files.every(({ score, floor }) => score >= floor) : all.score >= all.floor
  return { isEnough: isEnough && wronglyArgued.length === 0 && mutants.length > 0, all, files, mutants }
}

function row(name, mutants, floor) {
  const own = mutants.filter(({ file }) => name === "all" || file === name)
  const counted = own.filter(({ argued }) => argued === undefined)
  const having = (state) => counted.filter((mutant) => mutant.state === state).length
  const [killed, survived, timedOut] = [having("killed"), having("survived"), having("timed out")]
  const score = counted.length === 0 ? 100 : ((killed + timedOut) / counted.length) * 100
  return {
    file: name,
    count: counted.length,
    killed,
    survived,
    timedOut,
    argued: own.length - counted.length,
    score,
    floor,
  }
}

function short(code) {
  const line = flat(code)
  return line.length > 160 ? `${line.slice(0, 160)} …` : line
}
