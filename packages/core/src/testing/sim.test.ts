import { beforeAll, describe, expect, test } from "vitest"
import { runSim } from "./sim.ts"
import { environment, sqliteLoader, turn } from "./sim-node.ts"
import { SqlitePool } from "./sqlite-pool.ts"

const STEPS = 40
const seedCount = Number(environment("LF_SIM_SEEDS") ?? 40)

let pool: SqlitePool
beforeAll(async () => {
  pool = new SqlitePool(await sqliteLoader())
})

async function violationOf(seed: number, steps = STEPS): Promise<string | null> {
  const { violation } = await runSim({ seed, steps, pool, turn })
  return violation === null ? null : `npm run sim -- --seed ${seed} --steps ${steps}   ${violation}`
}

describe("the simulator", () => {
  test(`every law holds in ${seedCount} runs`, { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= seedCount; seed++) expect(await violationOf(seed)).toBeNull()
  })

  test("the same seed is the same run", async () => {
    for (const seed of [3, 9, 18]) {
      const first = await runSim({ seed, steps: STEPS, pool, turn })
      const second = await runSim({ seed, steps: STEPS, pool, turn })
      expect([second.trace, second.events]).toEqual([first.trace, first.events])
      expect(first.trace).not.toBe((await runSim({ seed: seed + 1, steps: STEPS, pool, turn })).trace)
    }
  })
})
