// Not a test file of its own: the worlds of the simulator that a mutant meets which the unit tests did not notice.
import { beforeAll, expect, test } from "vitest"
import { runSim } from "../../packages/core/src/testing/sim.ts"
import { sqliteLoader, turn } from "../../packages/core/src/testing/sim-node.ts"
import { SqlitePool } from "../../packages/core/src/testing/sqlite-pool.ts"

const WORLDS = 12
const STEPS = 60

let pool: SqlitePool
beforeAll(async () => {
  pool = new SqlitePool(await sqliteLoader())
})

for (let seed = 1; seed <= WORLDS; seed++) {
  test(`world ${seed} keeps every law`, async () => {
    expect((await runSim({ seed, steps: STEPS, pool, turn })).violation).toBeNull()
  })
}
