import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { atTheEndOfTheStack } from "../testing/end-of-stack.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { migrate } from "../timeline/schema.ts"
import { Timeline } from "../timeline/timeline.ts"
import type { LiveResult } from "./live-query.ts"
import { View } from "./view.ts"

beforeAll(loadChecksum)

const thrown = new Error("by the mutator")
const Note = defineMutation("Note", z.object({ id: z.number(), fails: z.boolean() }), (tx, { id, fails }) => {
  tx.run(sql`insert into notes values (${id}, unixepoch(), random())`)
  if (fails) throw thrown
})
const like = sql`select ${"a".repeat(60_000)} like ${"%a".repeat(400)}`
const Deep = defineMutation("Deep", z.object({ id: z.number(), fails: z.boolean() }), (tx, { id }) => {
  tx.run(sql`insert into notes values (${id}, 0, 0)`)
  atTheEndOfTheStack(() => tx.all(like))
})
const mutator = defineMutator({
  migrations: [sql`create table notes (id integer primary key, at integer, chance integer) strict`],
  mutations: [Note, Deep],
})
const noteOf = (id: number, fails = false) => ({
  uid: `00000000-0000-7000-8000-00000000000${id}`,
  name: "Note",
  args: { id, fails },
  at: id * 1000,
})
const time = sql<{ s: number }>`select unixepoch() as s`
const chance = sql<{ chance: bigint }>`select random() as chance`
const ids = sql<{ id: number }>`select id from notes order by id`

async function setUp(isMigrated = true) {
  const storage = new Storage()
  const host = new SimHost(new SimClock(), new SeededRandom(1))
  const module = await loadSqlite()
  const view = new View({ module, storage, mutator, host, crashed: new Set(), onCrash: () => {} })
  const streams = new Streams(await new MemoryDisk().open("d"))
  const timeline = new Timeline(streams, { clientId: "me", mutator, user: null })
  if (isMigrated) view.runPending(timeline)
  return { storage, host, view, timeline }
}
let world: Awaited<ReturnType<typeof setUp>>
beforeEach(async () => {
  world = await setUp()
})

/** The pages of a database that another made. */
async function pagesOf(...statements: string[]) {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  for (const statement of statements) db.exec(statement)
  return storage
}

describe("a mutation in the view", () => {
  test("has its own clock and randomness, which end with it, be it applied or thrown", async () => {
    const other = await setUp()
    for (const fails of [false, true]) {
      for (const { view, timeline } of [world, other]) view.apply(timeline, noteOf(1, fails))
      const [a, b] = [world, other].map(({ view }) => view.query(chance)[0].chance)
      expect(a).not.toBe(b)
      expect(world.view.query(time)).toEqual([{ s: 1_750_000_000 }])
    }
    const notes = [world, other].map(({ view }) => view.query(sql<{ at: number; chance: bigint }>`select * from notes`))
    expect(notes[0]).toEqual(notes[1])
    expect(notes[0]).toMatchObject([{ at: 1 }])
  })

  test("that is pending and runs again has the same, and they end too", async () => {
    const other = await setUp()
    for (const { view, timeline } of [world, other]) {
      timeline.append(noteOf(2))
      view.swap(() => ({ isWhole: false }))
      view.runPending(timeline)
    }
    const [a, b] = [world, other].map(({ view }) => view.query(chance)[0].chance)
    expect(a).not.toBe(b)
    expect(world.view.query(time)).toEqual([{ s: 1_750_000_000 }])
    expect(world.view.query(sql`select id, at from notes`)).toEqual([{ id: 2, at: 2 }])
  })

  test("gives what its mutator threw, or nothing", () => {
    const { view, timeline } = world
    expect(view.apply(timeline, noteOf(1))).toEqual({ outcome: { type: "applied" }, thrown: undefined })
    const failed = view.apply(timeline, noteOf(2, true))
    expect(failed.outcome).toMatchObject({ type: "rejected", code: "MUTATION_THREW" })
    expect(failed.thrown).toBe(thrown)
    expect(view.query(ids)).toEqual([{ id: 1 }])
  })
})

describe("the view's live queries", () => {
  test("run again when they are notified, once for all changes, and see a new base", async () => {
    const { view, timeline, storage } = world
    const received: LiveResult[] = []
    view.notify()
    const { stop } = view.subscribe(ids, (result) => received.push(result))
    for (const id of [1, 2]) view.apply(timeline, noteOf(id))
    expect(received.length).toBe(1)
    view.notify()
    expect(received.slice(1)).toMatchObject([
      { type: "patch", patch: [{ type: "rows", rows: [{ id: 1 }, { id: 2 }] }] },
    ])
    view.swap(() => ({ isWhole: false }))
    expect(storage.hasOverlay).toBe(false)
    view.runPending(timeline)
    view.notify()
    expect(received.slice(2)).toEqual([{ type: "patch", patch: [] }])
    stop()
    expect(view.queries.count).toBe(0)
  })

  test("end with the view: what waits is rejected, and the database is closed", async () => {
    const { view } = world
    view.close(thrown as never)
    await expect(view.queries.read(ids)).rejects.toBe(thrown)
    expect(() => view.query(ids)).toThrow()
  })
})

describe("a view that cannot go on", () => {
  const options = async (storage: Storage, crashes: unknown[] = []) => {
    const module = await loadSqlite()
    return {
      module,
      storage,
      mutator,
      host: world.host,
      crashed: new Set<string>(),
      onCrash: (e: unknown) => crashes.push(e),
    }
  }

  test("opens without its pages where these are no database, and only then (S11)", async () => {
    const storage = new Storage([new Uint8Array(4096).fill(7)])
    let drops = 0
    const drop = () => {
      drops++
      storage.clear()
    }
    const view = View.open(await options(storage), drop)
    expect([drops, view.query(sql`select 1 as n`)]).toEqual([1, [{ n: 1 }]])
    const failing = new Storage([new Uint8Array(4096).fill(7)])
    failing.page = () => {
      throw new Error("the disk failed")
    }
    const given = await options(failing)
    expect(() => View.open(given, drop)).toThrow("SQLite opens")
    expect(drops).toBe(1)
  })

  test("reports a mutation that crashed SQLite, new or pending, and no query sees it (T43)", async () => {
    for (const isPending of [false, true]) {
      const crashes: unknown[] = []
      const received: string[] = []
      const view = new View(await options(new Storage(), crashes))
      const { timeline } = await setUp(false)
      view.runPending(timeline)
      expect(crashes).toEqual([])
      view.subscribe(ids, ({ type }) => received.push(type))
      const deep = { ...noteOf(1), name: "Deep" }
      if (isPending) {
        timeline.append(deep)
        expect(() => view.runPending(timeline)).toThrow(expect.objectContaining({ code: "SQL_CRASHED" }))
      } else {
        expect(() => view.apply(timeline, deep)).toThrow(expect.objectContaining({ code: "SQL_CRASHED" }))
      }
      view.notify()
      expect([received, crashes.length > 0]).toEqual([["rows"], true])
    }
  })
})

describe("pages that are put under (T16)", () => {
  test("are read by their own schema where the one before was made here, with an equal cookie", async () => {
    const { view, storage } = world
    const tables = ["a", "b", "c", "d"].map((name) => `create table ${name} (${name}, x)`)
    const theirs = await pagesOf(...tables)
    const changeset = theirs.commit()
    expect(view.query(ids)).toEqual([])
    view.swap(() => {
      if (changeset !== null) storage.receive(changeset)
      return { isWhole: false }
    })
    expect(view.query(sql`select d from d`)).toEqual([])
  })

  test("of another epoch are read by their own schema, with an equal cookie", async () => {
    const { view, storage } = await setUp(false)
    const tables = [
      ["a", sql`select * from a`],
      ["b", sql`select * from b`],
    ] as const
    for (const [name, query] of tables) {
      const theirs = await pagesOf(`create table ${name} (${name})`)
      view.swap(() => {
        const changeset = theirs.commit()
        if (changeset !== null) storage.receive({ ...changeset, isWhole: true, before: null })
        return { isWhole: true }
      })
      expect(view.query(query)).toEqual([])
    }
  })

  test("that follow what is there are seen, rows and tables", async () => {
    const { view, storage, timeline } = await setUp(false)
    const theirs = new Storage()
    const db = new Database(await loadSqlite(), theirs)
    migrate(db, mutator)
    const take = () => {
      const changeset = theirs.commit()
      view.swap(() => {
        if (changeset !== null) storage.receive(changeset)
        return { isWhole: false }
      })
      view.runPending(timeline)
    }
    take()
    expect(view.query(ids)).toEqual([])
    db.exec("insert into notes values (7, 0, 0)")
    take()
    expect(view.query(ids)).toEqual([{ id: 7 }])
    db.exec("create table more (x)")
    take()
    expect(view.query(sql`select count(*) as n from more`)).toEqual([{ n: 0 }])
    expect(timeline.lsn()).toBe(lsn(0))
  })
})
