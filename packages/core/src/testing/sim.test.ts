import { beforeAll, describe, expect, test } from "vitest"
import { doublesFrames, swapsFrames } from "./faulty-pipes.ts"
import { runSim } from "./sim.ts"
import { environment, sqliteLoader, turn } from "./sim-node.ts"
import { SqlitePool } from "./sqlite-pool.ts"

/** As `npm run sim` has it, so that its seeds are these. */
const STEPS = 40
/** For a machine that does other things too: alone a run takes about 80 ms. */
const PATIENCE = { timeout: 240_000 }
const seedCount = Number(environment("LF_SIM_SEEDS") ?? 40)

let pool: SqlitePool
beforeAll(async () => {
  pool = new SqlitePool(await sqliteLoader())
})

async function violationOf(seed: number): Promise<string | null> {
  const { violation } = await runSim({ seed, steps: STEPS, pool, turn })
  return violation === null ? null : `npm run sim -- --seed ${seed}   ${violation}`
}

describe("the simulator", () => {
  test(`every law holds in ${seedCount} runs`, PATIENCE, async () => {
    for (let seed = 1; seed <= seedCount; seed++) expect(await violationOf(seed)).toBeNull()
  })

  test("the same seed is the same run", PATIENCE, async () => {
    for (const seed of [3, 9, 18]) {
      const first = await runSim({ seed, steps: STEPS, pool, turn })
      const second = await runSim({ seed, steps: STEPS, pool, turn })
      expect([second.trace, second.events]).toEqual([first.trace, first.events])
      expect(first.trace).not.toBe((await runSim({ seed: seed + 1, steps: STEPS, pool, turn })).trace)
    }
  })
})

describe("frames that come twice or in another order", () => {
  for (const faultyPipe of [doublesFrames, swapsFrames]) {
    test(`harm nothing: ${faultyPipe.name}`, PATIENCE, async () => {
      for (let seed = 1; seed <= 8; seed++) {
        expect((await runSim({ seed, steps: STEPS, pool, turn, faultyPipe })).violation).toBeNull()
      }
    })
  }
})
