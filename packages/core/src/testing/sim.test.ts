import { beforeAll, describe, expect, test } from "vitest"
import {
  acknowledgesEarly,
  doublesFrames,
  dropsLastRecord,
  forgetsRejections,
  keepsStalePages,
  swapsFrames,
} from "./planted.ts"
import { runSim } from "./sim.ts"
import { environment, sqliteLoader, turn } from "./sim-node.ts"
import type { Plants } from "./sim-world.ts"
import { SqlitePool } from "./sqlite-pool.ts"

const STEPS = 30
/** For a machine that does other things too: alone a run takes about 80 ms. */
const PATIENCE = { timeout: 240_000 }
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

/** The first violation in a few dozen runs of a world with a planted fault. */
async function firstViolation(plants: Plants, seeds = 40): Promise<string | null> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await runSim({ seed, steps: 2 * STEPS, pool, turn, plants })
    if (violation !== null) return violation
  }
  return null
}

describe("the checkers see a planted fault", () => {
  const plants: Record<string, Plants> = {
    "a client's log that acknowledges before it is durable": { clientLog: acknowledgesEarly },
    "a server's log that acknowledges before it is durable": { serverLog: acknowledgesEarly },
    "a client's log that drops a record": { clientLog: dropsLastRecord },
    "a server's log that drops a record": { serverLog: dropsLastRecord },
    "a server's log that keeps stale pages": { serverLog: keepsStalePages },
    "a client's log that forgets rejections": { clientLog: forgetsRejections },
  }
  for (const [name, plant] of Object.entries(plants)) {
    test(name, PATIENCE, async () => {
      expect(await firstViolation(plant)).toMatch(/^I\d+: /)
    })
  }

  // A pipe may do neither, and does: still nothing is lost, doubled or shown wrong.
  test("frames that come twice or in another order harm nothing", PATIENCE, async () => {
    expect(await firstViolation({ pipe: doublesFrames }, 8)).toBeNull()
    expect(await firstViolation({ pipe: swapsFrames }, 8)).toBeNull()
  })
})
