import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { Database } from "../sqlite/database.ts"
import { type Sql, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn as eventLoopTurn } from "../testing/sim-node.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { LiveQueries } from "./live-queries.ts"
import { type LiveResult, queryKey } from "./live-query.ts"

beforeAll(loadChecksum)

const ended = new LfError("LOG_CLOSED", "closed")
const items = sql`select * from items order by id`
const numbered = (n: number) => sql`select ${n}, count(*) as n from items`

/** Live queries over one table, with the clock long past 0. */
async function setUp({ runsPerSlice = 1, isAlone = false, crashed = new Set<string>() } = {}) {
  const clock = new SimClock()
  clock.nowMs = 1_000_000
  const host = new SimHost(clock, new SeededRandom(1))
  /** Milliseconds between two slices. */
  const pace = { ms: 0 }
  if (!isAlone) host.yieldFor(() => pace.ms)
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  db.exec("create table items (id integer primary key, v text)")
  storage.takeChanges()
  const crashes: LfError[] = []
  const queries = new LiveQueries({ db, host, runsPerSlice, crashed, onCrash: (error) => crashes.push(error) })
  const add = () => {
    db.exec("insert into items (v) values ('x')")
    queries.notify(storage.takeChanges())
  }
  const turn = async (count = 1) => {
    for (let i = 0; i < count; i++) {
      clock.runNext()
      await eventLoopTurn()
    }
  }
  const received: LiveResult[] = []
  const listen = (query: Sql<unknown>) => queries.listen(query, (result) => received.push(result))
  /** Adds `count` queries whose readers have their rows. */
  const shown = async (count: number) => {
    const subscriptions = Array.from({ length: count }, (_, i) => listen(numbered(i)))
    await turn(count + 1)
    received.length = 0
    return subscriptions
  }
  return { queries, clock, pace, add, turn, received, listen, shown, crashes }
}

describe("a reader that stops", () => {
  test("leaves the query to the others, which get the next change", async () => {
    const { queries, add, listen, received } = await setUp({ runsPerSlice: 9 })
    const [first, second] = [listen(items), listen(items)]
    first.stop()
    expect(queries.count).toBe(1)
    received.length = 0
    add()
    expect([queries.count, received.length]).toEqual([1, 1])
    second.stop()
    expect(queries.count).toBe(0)
  })

  test("twice does not take the query from readers that came in between", async () => {
    const { queries, listen } = await setUp({ runsPerSlice: 9 })
    const { stop } = listen(items)
    stop()
    listen(items)
    stop()
    expect(queries.count).toBe(1)
  })
})

describe("a change", () => {
  test("of no page runs nothing, also nothing that has failed", async () => {
    const { queries, listen, crashes } = await setUp({ runsPerSlice: 9 })
    listen(sql`select missing from items`)
    queries.notify(new Set())
    expect([queries.runs, crashes]).toEqual([1, []])
    queries.notify(new Set([999]))
    expect(queries.runs).toBe(2)
  })

  test("between a new query's run and its delivery runs it again", async () => {
    const { queries, add, turn, listen, received, shown } = await setUp()
    await shown(5)
    add()
    listen(items)
    await turn(2)
    expect([queries.runs, received]).toEqual([8, []])
    add()
    await turn(12)
    expect(received.filter(({ type }) => type === "rows")).toMatchObject([{ rows: [{ id: 1 }, { id: 2 }] }])
    expect([queries.runs, queries.isIdle]).toEqual([14, true])
  })

  test("reaches all together, however late on the clock it is (I6)", async () => {
    const { queries, add, turn, received, shown } = await setUp()
    await shown(3)
    expect(queries.whenDelivered()).toBeUndefined()
    add()
    let isReached = false
    void queries.whenDelivered()?.then(() => {
      isReached = true
    })
    for (let i = 0; i < 2; i++) {
      await eventLoopTurn()
      expect([received, isReached, queries.isIdle]).toEqual([[], false, false])
      await turn()
    }
    expect([received.length, isReached, queries.isIdle]).toEqual([3, true, true])
    expect(queries.whenDelivered()).toBeUndefined()
  })

  test("reaches its readers once all have run, though others follow without a pause (I20)", async () => {
    const { queries, pace, add, turn, shown } = await setUp()
    await shown(3)
    const before = queries.runs
    pace.ms = 250
    add()
    expect(queries.runs - before).toBe(1)
    let isReached = false
    void queries.whenDelivered()?.then(() => {
      isReached = true
    })
    const reached: boolean[] = []
    for (let i = 0; i < 4; i++) {
      add()
      await turn()
      reached.push(isReached)
    }
    expect([reached, queries.isIdle]).toEqual([[false, true, true, true], false])
  })

  test("is delivered as far as it has run when its readers have waited a quarter of a second", async () => {
    const { pace, add, turn, received, shown } = await setUp()
    await shown(4)
    pace.ms = 249
    add()
    pace.ms = 1
    await turn()
    expect(received).toEqual([])
    await turn()
    expect(received.length).toBe(3)
    await turn()
    expect(received.length).toBe(4)
  })
})

describe("work in slices", () => {
  test("is one slice while it takes no time, whatever ran before", async () => {
    const { clock, add, listen, received } = await setUp({ runsPerSlice: 99 })
    for (let i = 0; i < 3; i++) listen(numbered(i))
    expect(received.length).toBe(3)
    for (const passedMs of [1_000_000, 0, 0]) {
      clock.nowMs += passedMs
      received.length = 0
      add()
      expect(received.length).toBe(3)
    }
  })

  test("is all done at once where the host cannot yield", async () => {
    const { queries, add, listen, received } = await setUp({ isAlone: true })
    for (let i = 0; i < 5; i++) listen(numbered(i))
    expect([received.length, queries.isIdle]).toEqual([5, true])
    add()
    expect([received.length, queries.isIdle]).toEqual([10, true])
  })

  test("gives single reads their turn among all others, and is not idle before", async () => {
    const { queries, add, turn, received, shown } = await setUp()
    await shown(4)
    add()
    const rows = queries.read(items)
    const again = queries.read(numbered(7))
    expect(queries.isIdle).toBe(false)
    await turn(8)
    expect(await rows).toEqual([{ id: 1, v: "x" }])
    expect(await again).toMatchObject([{ n: 1 }])
    expect([received.length, queries.isIdle]).toEqual([4, true])
  })
})

describe("live queries that are closed", () => {
  test("run nothing more, reject what waits, and resolve waits for a delivery", async () => {
    const { queries, add, turn, received, shown } = await setUp()
    await shown(4)
    add()
    const read = expect(queries.read(items)).rejects.toBe(ended)
    const delivered = queries.whenDelivered()
    expect(delivered).toBeDefined()
    const before = queries.runs
    queries.close(ended)
    expect(queries.isIdle).toBe(true)
    await delivered
    await read
    await expect(queries.read(items)).rejects.toBe(ended)
    await turn(4)
    add()
    await turn(4)
    expect([queries.runs - before, received]).toEqual([0, []])
  })

  test("are refused by name where they crashed SQLite before; others run (T43)", async () => {
    const { queries, listen, received, crashes } = await setUp({ crashed: new Set([queryKey(items)]), runsPerSlice: 9 })
    listen(items)
    listen(numbered(1))
    expect(received).toMatchObject([{ type: "error", error: { code: "SQL_CRASHED" } }, { type: "rows" }])
    expect(() => queries.run(items)).toThrow(expect.objectContaining({ code: "SQL_CRASHED" }))
    expect(crashes).toEqual([])
  })
})
