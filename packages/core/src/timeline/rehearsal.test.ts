import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "./mutator.ts"
import { Reject } from "./outcome.ts"
import { type Difference, Rehearsals } from "./rehearsal.ts"
import { migrate } from "./schema.ts"
import { Timeline } from "./timeline.ts"
import type { Tx } from "./tx.ts"
import { undoLog } from "./undo-log.ts"

beforeAll(loadChecksum)

let run: (tx: Tx) => void
let differences: Difference[]
let nowMs: number
beforeEach(() => {
  run = () => {}
  differences = []
  nowMs = 0
})

const act = defineMutation("Do", z.any(), (tx) => run(tx))
const mutator = defineMutator({
  migrations: [
    sql`create table items (id integer primary key autoincrement, v any) strict`,
    sql`create virtual table words using fts5(text)`,
  ],
  mutations: [act],
})
const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

async function world(isChecked = true, using = mutator) {
  const db = new Database(await loadSqlite(), new Storage())
  migrate(db, using)
  const rehearsals = new Rehearsals({ nowMs: () => nowMs, report: (difference) => differences.push(difference) })
  const streams = new Streams(await new MemoryDisk().open("d"))
  const options = { clientId: "a", mutator: using, user: null }
  const timeline = new Timeline(streams, isChecked ? { ...options, rehearsals } : options)
  let uids = 0
  const apply = (name = "Do", args: unknown = null) => timeline.apply(db, { uid: uidOf(++uids), name, args, at: 1_000 })
  const rows = () => [
    db.exec("select * from items"),
    db.exec("select rowid, text from words"),
    db.exec("select * from sqlite_sequence"),
  ]
  return { db, apply, rows }
}

describe("a mutator is reported", () => {
  test("when it uses random numbers, the clock, or what lives outside of it", async () => {
    let counter = 0
    for (const value of [() => Math.random(), () => performance.now(), () => ++counter]) {
      const { apply } = await world()
      run = (tx) => void tx.run(sql`insert into items (v) values (${value()})`)
      apply()
    }
    expect(differences.length).toBe(3)
    expect(differences[2]).toMatchObject({
      mutation: "Do",
      first: "insert into items (v) values (?) [1]",
      second: "insert into items (v) values (?) [2]",
    })
  })

  test("when only one run has a statement, other bytes, or an error", async () => {
    let runs = 0
    const kinds: ((tx: Tx, isFirst: boolean) => void)[] = [
      (tx, isFirst) => void (isFirst && tx.all(sql`select 1`)),
      (tx, isFirst) => void tx.all(sql`select ${new Uint8Array([isFirst ? 1 : 2])}`),
      (_tx, isFirst) => {
        if (isFirst) throw new Reject("no")
      },
    ]
    for (const kind of kinds) {
      const { apply } = await world()
      runs = 0
      run = (tx) => kind(tx, ++runs === 1)
      expect(apply()).toEqual({ type: "applied" })
    }
    expect(differences.map(({ first, second }) => [first, second])).toEqual([
      ["select 1 []", "it returned"],
      ["select ? [1 bytes]", "select ? [1 bytes]"],
      ["it threw no", "it returned"],
    ])
  })

  test("once, and not run twice any more after that", async () => {
    const { apply } = await world()
    let runs = 0
    run = (tx) => void tx.all(sql`select ${++runs}`)
    for (let i = 0; i < 3; i++) apply()
    expect([differences.length, runs]).toEqual([1, 4])
  })
})

describe("a mutator is not reported", () => {
  test("when it uses its ids, its time, SQL's time and SQL's random numbers", async () => {
    const { apply, rows } = await world()
    run = (tx) => {
      tx.run(sql`insert into items (v) values (${tx.id()}), (${tx.nowMs}), (random()), (unixepoch('subsec'))`)
      const last = tx.get<{ v: unknown }>(sql`select v from items order by id desc`)
      tx.run(sql`insert into words values (${String(last?.v)})`)
    }
    for (let i = 0; i < 3; i++) expect(apply()).toEqual({ type: "applied" })
    expect(differences).toEqual([])
    expect(rows()[1]).toHaveLength(3)
  })

  test("when each run is refused for the same reason", async () => {
    const { apply } = await world()
    run = () => {
      throw new Reject("no")
    }
    expect(apply()).toMatchObject({ type: "rejected", code: "no" })
    expect(differences).toEqual([])
  })
})

describe("a rehearsal", () => {
  test("leaves what a single run leaves: rows, keys, the full-text index, outcomes", async () => {
    const bodies: ((tx: Tx) => void)[] = [
      (tx) => {
        tx.run(sql`insert into items (v) values (${tx.id()}), (random())`)
        tx.run(sql`insert into words values (${`word ${tx.nowMs}`})`)
      },
      (tx) => {
        tx.run(sql`insert into items (v) values (1)`)
        throw new Reject("after a write")
      },
      (tx) => void tx.run(sql`insert or rollback into items (id, v) select id, 2 from items limit 1`),
      (tx) => void tx.run(sql`no sql`),
      (tx) => void tx.run(sql`delete from words where words match ${"word"}`),
    ]
    const [checked, plain] = [await world(true), await world(false)]
    for (const body of [...bodies, bodies[0]]) {
      run = body
      expect(checked.apply()).toEqual(plain.apply())
      expect(checked.rows()).toEqual(plain.rows())
    }
    expect(differences).toEqual([])
    expect(checked.db.exec("select count(*) n from words where words match 'word'")).toEqual([{ n: 1 }])
  })

  test("leaves the undo log as it is, also of a mutator that undoes", async () => {
    const logged = defineMutator({
      migrations: [...mutator.migrations.map((one) => one.sql), undoLog],
      mutations: [act],
    })
    const [checked, plain] = [await world(true, logged), await world(false, logged)]
    run = (tx) => void tx.run(sql`insert into items (v) values (${tx.id()})`)
    for (const one of [checked, plain]) {
      one.apply()
      one.apply()
      expect(one.apply("lf.undo", { uid: uidOf(1) })).toEqual({ type: "applied" })
    }
    expect(checked.rows()).toEqual(plain.rows())
    expect(checked.db.exec("select * from __lf_undo")).toEqual(plain.db.exec("select * from __lf_undo"))
    expect(checked.rows()[0]).toHaveLength(1)
    expect(differences).toEqual([])
  })

  test("does not happen again to a mutator that is slow, or that ran fifty times", async () => {
    const { apply } = await world()
    let runs = 0
    run = () => {
      runs++
      nowMs += 51
    }
    for (let i = 0; i < 3; i++) apply()
    expect(runs).toBe(4)
    const other = await world()
    runs = 0
    run = () => void runs++
    for (let i = 0; i < 60; i++) other.apply()
    expect(runs).toBe(110)
  })
})
