import { beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Remote } from "./remote.ts"

beforeAll(loadChecksum)

const Fill = defineMutation("Fill", z.object({ rows: z.number() }), (tx, { rows }) => {
  for (let i = 0; i < rows; i++) tx.run(sql`insert into notes values (${`${i} `.repeat(500)})`)
})
const mutator = defineMutator({ migrations: [sql`create table notes (text text not null)`], mutations: [Fill] })
const count = sql<{ n: number }>`select count(*) as n from notes`

/** A document whose host's clock goes on by `stepMs` each time that it is read. */
async function open(disk: MemoryDisk, stepMs: number) {
  const host = new SimHost(new SimClock(), new SeededRandom(1))
  const seen = { yields: 0, whileYielding: async () => {} }
  let nowMs = 0
  host.monotonicMs = () => {
    nowMs += stepMs
    return nowMs
  }
  host.yieldToLoop = async () => {
    seen.yields++
    await seen.whileYielding()
  }
  const remote = await Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host })
  return { remote, seen }
}

test("the deltas of a commit of many pages are made in slices, and are those of one piece (T39)", async () => {
  const [fast, slow] = await Promise.all([open(new MemoryDisk(), 0), open(new MemoryDisk(), 1)])
  for (const { remote, seen } of [fast, slow]) {
    seen.yields = 0
    expect(await remote.mutate("Fill", { rows: 100 }, null)).toMatchObject({ type: "applied" })
  }
  expect(fast.seen.yields).toBe(0)
  expect(slow.seen.yields).toBeGreaterThan(5)
  expect(slow.remote.checksum).toBe(fast.remote.checksum)
  await Promise.all([fast.remote.close(), slow.remote.close()])
})

test("a checkpoint that begins between two slices leaves the commit to its end (I12)", async () => {
  const disk = new MemoryDisk()
  const { remote, seen } = await open(disk, 1)
  let checkpoint: Promise<void> | null = null
  seen.whileYielding = async () => {
    checkpoint ??= remote.checkpoint()
    await Promise.resolve()
  }
  await remote.mutate("Fill", { rows: 100 }, null)
  await checkpoint
  const { checksum } = remote
  await remote.close()
  const { remote: again } = await open(disk, 0)
  expect([again.checksum === checksum, await again.read(count)]).toEqual([true, [{ n: 100 }]])
  await again.close()
})

test("a small commit is made in one piece", async () => {
  const { remote, seen } = await open(new MemoryDisk(), 1)
  await remote.mutate("Fill", { rows: 1 }, null)
  const before = seen.yields
  await remote.mutate("Fill", { rows: 2 }, null)
  expect(seen.yields - before).toBeLessThan(3)
  await remote.close()
})
