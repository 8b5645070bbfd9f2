import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database, QUERY_MS_MAX } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn as eventLoopTurn, sqliteLoader } from "../testing/sim-node.ts"
import { LiveQueries } from "./live-queries.ts"
import type { LiveResult } from "./live-query.ts"

let load: () => Promise<SqliteModule>
beforeAll(async () => {
  await loadChecksum()
  load = await sqliteLoader()
})

const endless = sql`with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c`
const items = sql`select * from items order by id`

/** Live queries over one table, on a clock that goes on by `msPerLook` whenever it is read: work takes time. */
async function setUp({ msPerLook = 0, runsPerSlice }: { msPerLook?: number; runsPerSlice?: number } = {}) {
  const clock = new SimClock()
  const host = new SimHost(clock, new SeededRandom(1))
  host.monotonicMs = () => {
    clock.nowMs += msPerLook
    return clock.nowMs
  }
  host.yieldFor(() => 0)
  const storage = new Storage()
  const db = new Database(await load(), storage)
  db.exec("create table items (id integer primary key, v text)")
  storage.takeChanges()
  const queries = new LiveQueries({ db, host, runsPerSlice })
  const change = (statement: string) => {
    db.exec(statement)
    queries.notify(storage.takeChanges())
  }
  /** Runs one slice more. */
  const turn = async () => {
    clock.runNext()
    await eventLoopTurn()
  }
  return { queries, change, turn, clock }
}

describe("a read has a budget (H8)", () => {
  test("a live query without end is stopped with SQL_LIMIT; others get their rows (H8)", async () => {
    const { queries, change } = await setUp()
    const [bad, good]: LiveResult[][] = [[], []]
    queries.listen(endless, (result) => bad.push(result))
    queries.listen(items, (result) => good.push(result))
    expect(bad).toMatchObject([{ type: "error", error: { code: "SQL_LIMIT" } }])
    change("insert into items values (1, 'a')")
    expect(good).toMatchObject([{ type: "rows" }, { type: "patch" }])
  })

  test("it is stopped by time too, however few steps it takes", async () => {
    // Every look at the clock costs 50 ms: the query is stopped after a few of them, long before its steps are used up.
    const { queries, clock } = await setUp({ msPerLook: 50 })
    expect(() => queries.run(endless)).toThrow(expect.objectContaining({ code: "SQL_LIMIT" }))
    expect(clock.nowMs).toBeLessThan(2 * QUERY_MS_MAX)
  })

  test("one that was stopped is not run again by every change, but when it is asked for", async () => {
    const { queries, change, clock } = await setUp()
    const seen: LiveResult[] = []
    const { refresh } = queries.listen(endless, (result) => seen.push(result))
    for (let i = 0; i < 5; i++) change(`insert into items values (${i}, 'a')`)
    expect(queries.runs).toBe(1)
    let isDone = false
    refresh(() => {
      isDone = true
    })
    expect([queries.runs, isDone, seen.length]).toEqual([2, true, 1])
    clock.nowMs += 30_001
    change("insert into items values (9, 'a')")
    expect(queries.runs).toBe(3)
  })

  test("a single read without end is stopped, and the next one answers", async () => {
    const { queries, turn } = await setUp()
    const stopped = expect(queries.read(endless)).rejects.toMatchObject({ code: "SQL_LIMIT" })
    const answered = expect(queries.read(items)).resolves.toEqual([])
    for (let i = 0; i < 3; i++) await turn()
    await stopped
    await answered
  })
})

describe("a long list of reads is worked off in slices (H8)", () => {
  test("many queries leave room for a change in between; each reader ends up to date (H8, T39)", async () => {
    const { queries, change, turn } = await setUp({ msPerLook: 3 })
    const shown = new Map<number, LiveResult[]>()
    for (let id = 0; id < 40; id++) {
      const results: LiveResult[] = []
      shown.set(id, results)
      queries.listen(sql`select v from items where id = ${id}`, (result) => results.push(result))
    }
    expect(queries.runs).toBeLessThan(40)
    change(
      "insert into items select value, 'a' from (with recursive c(value) as (select 0 union all select value + 1 from c where value < 39) select value from c)",
    )
    for (let i = 0; i < 200 && !queries.isIdle; i++) await turn()
    for (const results of shown.values()) {
      const last = results.at(-1)
      const rows =
        last?.type === "rows"
          ? last.rows
          : last?.type === "patch"
            ? last.patch.flatMap((step) => (step.type === "rows" ? step.rows : []))
            : []
      expect(rows).toEqual([{ v: "a" }])
    }
  })

  test("one commit's results reach the readers together, however many slices it takes (I6)", async () => {
    const { queries, change, turn } = await setUp({ runsPerSlice: 1 })
    const order: string[] = []
    for (const name of ["a", "b", "c"]) queries.listen(sql`select ${name}, count(*) from items`, () => order.push(name))
    for (let i = 0; i < 10; i++) await turn()
    order.length = 0
    change("insert into items values (1, 'x')")
    const delivered = queries.whenDelivered()
    for (let i = 0; i < 2; i++) {
      expect(order).toEqual([])
      await turn()
    }
    expect(order.sort()).toEqual(["a", "b", "c"])
    await delivered
  })

  test("results are delivered under changes without a pause (I20)", async () => {
    const { queries, change, turn } = await setUp({ msPerLook: 5 })
    let reported = 0
    for (let i = 0; i < 30; i++) queries.listen(sql`select ${i}, count(*) from items`, () => reported++)
    for (let i = 0; i < 60; i++) await turn()
    reported = 0
    for (let i = 0; i < 60; i++) {
      change(`insert into items (v) values ('x')`)
      await turn()
    }
    expect(reported).toBeGreaterThan(30)
  })

  test("a query without listeners is not run, wherever it waits (H5)", async () => {
    const { queries, change, turn } = await setUp({ runsPerSlice: 1 })
    const subscriptions = [1, 2, 3].map((n) => queries.listen(sql`select ${n}, count(*) from items`, () => {}))
    for (let i = 0; i < 10; i++) await turn()
    const before = queries.runs
    change("insert into items values (1, 'x')")
    for (const { stop } of subscriptions) stop()
    expect(queries.whenDelivered()).toBeUndefined()
    for (let i = 0; i < 10; i++) await turn()
    expect(queries.runs - before).toBeLessThanOrEqual(1)
    expect([queries.count, queries.isIdle]).toEqual([0, true])
  })
})

test("a refresh answers after its readers, also when nothing is new or the query fails", async () => {
  const { queries, change } = await setUp()
  const said: string[] = []
  const good = queries.listen(items, ({ type }) => said.push(type))
  good.refresh(() => said.push("done"))
  const bad = queries.listen(sql`select missing from items`, ({ type }) => said.push(type))
  bad.refresh(() => said.push("done too"))
  expect(said).toEqual(["rows", "done", "error", "done too"])
  change("alter table items add column missing text")
  // The one that failed has rows now; the other has none, as before.
  expect(said.slice(4)).toEqual(["rows"])
})
