// What the planted proof runs in a process of its own: the simulator with one fault in it, until a checker sees it.
import { runSim, SqlitePool, sqliteLoader, turn } from "@lf/core/testing"

const STEPS = 60

const [from, count] = process.argv.slice(2).map(Number)
let escaped: string | null = null
process.on("unhandledRejection", (reason) => {
  escaped = `unhandled: ${reason}`
})

const pool = new SqlitePool(await sqliteLoader())
for (let seed = from; seed < from + count; seed++) {
  const found = await violationOf(seed)
  if (found === null) continue
  console.log(JSON.stringify({ seed, seeds: seed - from + 1, violation: found }))
  process.exit(0)
}
process.exit(1)

async function violationOf(seed: number): Promise<string | null> {
  try {
    const { violation } = await runSim({ seed, steps: STEPS, pool, turn })
    return violation ?? escaped
  } catch (error) {
    return `threw: ${error}`
  }
}
