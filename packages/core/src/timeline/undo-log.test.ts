import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { type Query, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { applyGroup } from "./apply-group.ts"
import { defineMutation, defineMutator } from "./mutator.ts"
import { migrate } from "./schema.ts"
import { UNDO_MUTATIONS_MAX, UNDO_ROWS_MAX, undoLog } from "./undo-log.ts"
import { UNDO_NAME } from "./undo-mutation.ts"

beforeAll(loadChecksum)

const any = { "~standard": { version: 1, vendor: "lf", validate: (value: unknown) => ({ value }) } } as const
/** Runs the statements that it is given. */
const Run = defineMutation("Run", any, (tx, queries) => {
  for (const query of queries as Query<unknown>[]) tx.run(query)
})
const migrations = [
  sql`create table lists (id text primary key, count integer not null default 0) strict`,
  sql`create table todos (id text primary key, list text references lists on delete cascade, title any, unique (title)) strict`,
  sql`create table pairs (a, b, n integer, primary key (b, a)) without rowid`,
  sql`create table plain (note, twice generated always as (note || note))`,
  sql`create table owners (id text primary key) strict`,
  sql`create table cats (owner text references owners) strict`,
  sql`create trigger counts after insert on todos begin update lists set count = count + 1 where id = new.list; end`,
  sql`create trigger uncounts after delete on todos begin update lists set count = count - 1 where id = old.list; end`,
  sql`create virtual table found using fts5 (title)`,
  sql`create trigger finds after insert on todos begin insert or replace into found (rowid, title) values (new.rowid, new.title); end`,
  sql`create trigger loses after delete on todos begin delete from found where rowid = old.rowid; end`,
  undoLog,
]

const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

async function setUp() {
  const db = new Database(await loadSqlite(), new Storage())
  const mutator = defineMutator({ migrations, mutations: [Run] })
  migrate(db, mutator)
  let made = 0
  const apply = (name: string, args: unknown, user: string | null) => {
    const uid = uidOf(++made)
    const jobs = [{ mutation: { uid, name, args, at: 1 }, author: user === null ? null : { id: user } }]
    const result = applyGroup({ db, mutator, side: "remote", jobs, pagesMax: 10_000 })
    const [outcome] = result.type === "done" ? result.outcomes : []
    return { uid, outcome, code: outcome?.type === "rejected" ? outcome.code : "applied" }
  }
  const run = (...queries: Query<unknown>[]) => apply("Run", queries, "ann")
  const undo = (uid: string, user: string | null = "ann") => apply(UNDO_NAME, { uid }, user)
  const tables = ["lists", "todos", "pairs", "plain"]
  const contents = () =>
    tables.map((table) => db.exec(`select rowid_of.*, typeof(1) from ${table} rowid_of order by 1, 2`))
  return { db, run, undo, contents, apply }
}

describe("undo", () => {
  test("brings back what a mutation inserted, updated and deleted; undone again, it is done again", async () => {
    const { run, undo, contents } = await setUp()
    run(
      sql`insert into lists (id) values ('home')`,
      sql`insert into todos values ('1', 'home', 'bread'), ('2', 'home', 7)`,
    )
    run(sql`insert into pairs values (1, 'x', 1), (2, x'00ff', 2), (3.5, -7, 3)`)
    run(sql`insert into plain (note) values ('a'), (null), ('it''s "b", and c')`)
    const before = contents()
    const changed = run(
      sql`update todos set title = ${'a \u0000 "quoted", text'} where id = '1'`,
      sql`delete from todos where id = '2'`,
      sql`insert into todos values ('3', 'home', ${new Uint8Array([0, 255])})`,
      sql`update pairs set a = 9 where n = 1`,
      sql`delete from pairs where n = 2`,
      sql`update plain set note = 2.5 where note is null`,
      sql`delete from plain where note = 'a'`,
    )
    const after = contents()
    expect(changed.code).toBe("applied")
    expect(after).not.toEqual(before)
    const undone = undo(changed.uid)
    expect([undone.code, contents()]).toEqual(["applied", before])
    const redone = undo(undone.uid)
    expect([redone.code, contents()]).toEqual(["applied", after])
    expect([undo(redone.uid).code, contents()]).toEqual(["applied", before])
  })

  test("brings back what cascades, triggers and replacements removed", async () => {
    const { run, undo, contents, db } = await setUp()
    run(sql`insert into lists (id) values ('home'), ('work')`)
    run(sql`insert into todos values ('1', 'home', 'one'), ('2', 'home', 'two'), ('3', 'work', 'three')`)
    const before = contents()
    const statements = [
      sql`delete from lists where id = 'home'`,
      sql`insert or replace into todos values ('9', 'work', 'one')`,
      sql`update or replace todos set title = 'two' where id = '3'`,
      sql`insert or ignore into todos values ('1', 'work', 'other')`,
      sql`insert into todos values ('1', 'home', 'x') on conflict (id) do update set title = 'upserted'`,
      sql`update todos set id = '7' where id = '1'`,
      sql`delete from todos`,
    ]
    for (const statement of statements) {
      const changed = run(statement)
      expect([statement.sql, changed.code]).toEqual([statement.sql, "applied"])
      const isChanged = JSON.stringify(contents()) !== JSON.stringify(before)
      expect([statement.sql, undo(changed.uid).code]).toEqual([statement.sql, isChanged ? "applied" : "undo-gone"])
      expect([statement.sql, contents()]).toEqual([statement.sql, before])
    }
    expect(db.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
    expect(db.exec("pragma foreign_key_check")).toEqual([])
  })

  test("is refused where a row was changed since, for another user's, and for what is not kept", async () => {
    const { run, undo, apply, contents } = await setUp()
    const made = run(sql`insert into lists (id) values ('home')`)
    const counted = apply("Run", [sql`update lists set count = 5`], "bo")
    const before = contents()
    expect(undo(made.uid).outcome).toEqual({ type: "rejected", code: "undo-conflict", data: { table: "lists" } })
    expect(undo(counted.uid).code).toBe("undo-foreign")
    expect(undo(counted.uid, null).code).toBe("undo-foreign")
    expect(undo(uidOf(999)).code).toBe("undo-gone")
    const failed = run(sql`insert into lists (id) values ('kept?')`, sql`insert into lists (id) values ('home')`)
    expect([failed.code, undo(failed.uid).code]).toEqual(["SQL_ERROR", "undo-gone"])
    for (const args of [null, {}, { uid: 1 }]) expect(apply(UNDO_NAME, args, "ann").code).toBe("MUTATION_ARGS_INVALID")
    expect(contents()).toEqual(before)
    expect([undo(counted.uid, "bo").code, undo(made.uid).code]).toEqual(["applied", "applied"])
  })

  test("is refused when a row refers to what it would remove", async () => {
    const { run, undo } = await setUp()
    const made = run(sql`insert into lists (id, count) values ('home', 7)`)
    run(sql`insert into todos (id, list) values ('1', 'home')`, sql`update lists set count = 7`)
    expect(undo(made.uid).outcome).toEqual({ type: "rejected", code: "undo-conflict", data: { table: "todos" } })
  })

  test("is refused when a row refers to what it would remove, though nothing cascades", async () => {
    const { run, undo, db } = await setUp()
    const made = run(sql`insert into owners (id) values ('ann')`)
    const owned = run(sql`insert into cats (owner) values ('ann')`)
    expect(undo(made.uid).outcome).toEqual({ type: "rejected", code: "undo-conflict", data: { table: "cats" } })
    expect(db.exec("pragma foreign_key_check")).toEqual([])
    expect([undo(owned.uid).code, undo(made.uid).code]).toEqual(["applied", "applied"])
    expect(run(sql`insert into cats (owner) values ('ann')`).code).toBe("SQL_ERROR")
  })

  test(`is for the last ${UNDO_MUTATIONS_MAX} mutations, and for at most ${UNDO_ROWS_MAX} rows of one (I17)`, async () => {
    const { run, undo, db } = await setUp()
    const fill = (count: number) =>
      sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count}) insert into plain (note) select i from n`
    expect([undo(run(fill(UNDO_ROWS_MAX)).uid).code, undo(run(fill(UNDO_ROWS_MAX + 1)).uid).code]).toEqual([
      "applied",
      "undo-gone",
    ])
    expect(undo(run(sql`insert into plain (note) values (${"x".repeat(100_000)})`).uid).code).toBe("undo-gone")
    const first = run(sql`insert into lists (id) values ('first')`)
    for (let i = 0; i < UNDO_MUTATIONS_MAX; i++) run(sql`insert into lists (id) values (${`${i}`})`)
    expect(undo(first.uid).code).toBe("undo-gone")
    expect(db.exec("select count(*) n from __lf_undo")).toEqual([{ n: UNDO_MUTATIONS_MAX }])
  })

  test("leaves mutators, queries and later migrations as they are", async () => {
    const { run, db } = await setUp()
    const { changes } = (() => {
      db.exec("begin")
      const done = db.run(sql`insert into lists (id) values ('a'), ('b')`, "mutation")
      db.exec("rollback")
      return done
    })()
    expect(changes).toBe(2)
    for (const query of [sql`delete from __lf_undo`, sql`insert into __lf_row_log (name) values ('x')`])
      expect(run(query).code).toMatch(/SQL_DENIED|SQL_ERROR/)
    const more = sql`create table later (n integer) strict`
    const later = defineMutator({ migrations: [...migrations, more], mutations: [Run] })
    expect(migrate(db, later)).toBe(true)
    const jobs = [
      { mutation: { uid: uidOf(500), name: "Run", args: [sql`insert into later values (1)`], at: 1 }, author: null },
    ]
    applyGroup({ db, mutator: later, side: "remote", jobs, pagesMax: 10_000 })
    const undo = [{ mutation: { uid: uidOf(501), name: UNDO_NAME, args: { uid: uidOf(500) }, at: 1 }, author: null }]
    expect(applyGroup({ db, mutator: later, side: "remote", jobs: undo, pagesMax: 10_000 })).toEqual({
      type: "done",
      outcomes: [{ type: "applied" }],
    })
    expect(db.exec("select * from later")).toEqual([])
  })

  test("of random statements brings back every row", async () => {
    const { run, undo, contents, db } = await setUp()
    const random = new SeededRandom(7)
    run(sql`insert into lists (id) values ('a'), ('b'), ('c')`)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random.unit() * from.length)]
    const value = () => pick<string | number | null>(["x", "y", 1, 2, null, 2 ** 53, "1"])
    const statement = () =>
      pick([
        () => sql`insert or replace into todos values (${`${pick([1, 2, 3, 4])}`}, ${pick(["a", "b"])}, ${value()})`,
        () => sql`update or ignore todos set title = ${value()} where id > ${`${pick([1, 2, 3])}`}`,
        () => sql`delete from todos where id = ${`${pick([1, 2, 3, 4])}`}`,
        () => sql`update or replace todos set id = ${`${pick([1, 2, 3, 4])}`} where id = ${`${pick([1, 2, 3, 4])}`}`,
        () => sql`insert or replace into pairs values (${pick([1, 2])}, ${pick(["p", "q"])}, ${pick([1, 2, 3])})`,
        () => sql`insert into plain (note) values (${value()})`,
        () => sql`delete from plain where rowid % 2 = ${pick([0, 1])}`,
        () => sql`delete from lists where id = ${pick(["a", "b"])}`,
        () => sql`insert or ignore into lists (id) values (${pick(["a", "b"])})`,
      ])()
    for (let i = 0; i < 200; i++) {
      const before = contents()
      const changed = run(...Array.from({ length: 1 + Math.floor(random.unit() * 4) }, statement))
      const after = contents()
      if (changed.code !== "applied" || JSON.stringify(after) === JSON.stringify(before)) continue
      const undone = undo(changed.uid)
      expect([i, undone.code, contents()]).toEqual([i, "applied", before])
      expect([i, undo(undone.uid).code, contents()]).toEqual([i, "applied", after])
    }
    expect(db.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
  })
})
