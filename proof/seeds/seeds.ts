// npm run proof -- seeds: whole worlds on the simulator, all real but clock, randomness, network and disks.
import { runSim, SqlitePool, sqliteLoader, turn } from "@lf/core/testing"
import { judge } from "../history/check.ts"
import { prove } from "../proof.ts"

const STEPS = 40

await prove({ name: "seeds", unit: "seeds" }, async (proof) => {
  const pool = new SqlitePool(await sqliteLoader())
  const print = proof.isReplay ? (line: string) => console.log(line) : undefined
  for (const seed of proof.seeds()) {
    const { violation, events, applied } = await runSim({ seed, steps: proof.steps ?? STEPS, pool, turn, print, judge })
    if (violation !== null) proof.fail(seed, violation)
    proof.count()
    proof.also("events", events)
    proof.also("mutations", applied)
  }
})
