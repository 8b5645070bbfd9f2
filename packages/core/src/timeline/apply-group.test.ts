import { beforeAll, beforeEach, expect, test } from "vitest"
import { z } from "zod"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { applyGroup, mutationPagesMax } from "./apply-group.ts"
import { type Mutation, mutationCodec } from "./mutation.ts"
import { type DefinedMutation, defineMutation, defineMutator, type Mutator } from "./mutator.ts"
import { REJECT_CODE_CHARS_MAX, REJECT_DATA_BYTES_MAX, Reject, type RunResult, rejectionOf } from "./outcome.ts"
import { migrate, ranMigrations } from "./schema.ts"
import type { Tx } from "./tx.ts"

const any = z.any()
const define = (name: string, work: (tx: Tx, args: unknown) => void): DefinedMutation => defineMutation(name, any, work)

const kept: { tx: Tx | null } = { tx: null }
const mutations = [
  defineMutation("Add", z.object({ id: z.number() }), (tx, { id }) => {
    tx.run(sql`insert into t (id, at, who, random) values (${id}, unixepoch('now'), ${tx.user}, random())`)
  }),
  define("Reject", (tx) => {
    tx.run(sql`insert into t (id) values (666)`)
    throw new Reject("not-today", { why: "closed" })
  }),
  define("Throw", (tx) => {
    tx.run(sql`insert into t (id) values (667)`)
    throw new TypeError("a bug")
  }),
  define("OrRollback", (tx) => {
    tx.run(sql`insert into t (id) values (668)`)
    tx.run(sql`insert or rollback into t (id) values (1)`)
  }),
  define("OrRollbackSwallowed", (tx) => {
    try {
      tx.run(sql`insert or rollback into t (id) values (1)`)
    } catch {}
    tx.run(sql`insert into t (id) values (669)`)
  }),
  define("Pair", (tx) => void tx.run(sql`insert into pairs values (1, 1, 1)`)),
  define("ReplaceSwallowed", (tx) => {
    try {
      tx.run(sql`insert or replace into pairs values (1, 'two', 3)`)
    } catch {}
    tx.run(sql`insert into pairs values (2, 2, 2)`)
  }),
  define("LooksLike", () => {
    throw Object.assign(new Error("x"), { name: "LfError", code: "a text that was sent" })
  }),
  define("Commit", (tx) => void tx.run(sql`commit`)),
  define("Ddl", (tx) => void tx.run(sql`create table u (x)`)),
  define("Internal", (tx) => void tx.run(sql`delete from __lf_mutations`)),
  define("Endless", (tx) => {
    tx.run(sql`insert into t (id) with recursive n(i) as (select 1000 union all select i + 1 from n) select i from n`)
  }),
  define("Statements", (tx) => {
    for (;;) tx.all(sql`select 1`)
  }),
  define("Deferred", (tx) => void tx.run(sql`insert into child (parent) values (99)`)),
  define("Keep", (tx) => {
    kept.tx = tx
  }),
  define("Ids", (tx) => {
    tx.run(sql`insert into ids values (${tx.id()}, ${tx.id()}, ${tx.nowMs}, ${tx.side})`)
  }),
  defineMutation("Async", any, (async () => {}) as unknown as () => undefined),
]
const mutator: Mutator = defineMutator({
  migrations: [
    sql`create table t (id integer primary key, at integer, who text, random integer) strict`,
    sql`create table child (parent integer references t (id) deferrable initially deferred) strict`,
    sql`create table ids (a text, b text, at integer, side text) strict`,
    sql`create table pairs (id integer primary key, a integer, b integer unique) strict`,
    sql`create virtual table words using fts5 (word)`,
  ],
  mutations,
})

beforeAll(loadChecksum)

let storage: Storage
let db: Database
beforeEach(async () => {
  storage = new Storage()
  db = new Database(await loadSqlite(), storage)
  migrate(db, mutator)
})

let made = 0
function mutation(name: string, args: unknown = {}): Mutation {
  made++
  return { uid: `00000000-0000-7000-8000-${String(made).padStart(12, "0")}`, name, args, at: 1_700_000_000_000 }
}

function apply(...list: Mutation[]): readonly RunResult[] {
  const jobs = list.map((one) => ({ mutation: one, author: { id: "me" } }))
  const result = applyGroup({ db, mutator, side: "local", jobs, pagesMax: mutationPagesMax(db.pageCountMax) })
  return result.type === "done" ? result.outcomes : []
}

const ids = () => db.exec("select id from t order by id").map((row) => row.id)
const codes = (outcomes: readonly RunResult[]) =>
  outcomes.map((outcome) => (outcome.type === "applied" ? "applied" : outcome.code))

test("one that throws leaves nothing and stops none (I10)", () => {
  const outcomes = apply(
    mutation("Add", { id: 1 }),
    mutation("Reject"),
    mutation("Throw"),
    mutation("Missing"),
    mutation("Add", { id: "x" }),
    mutation("Add", { id: 2 }),
  )
  expect(codes(outcomes)).toEqual([
    "applied",
    "not-today",
    "MUTATION_THREW",
    "MUTATION_UNKNOWN",
    "MUTATION_ARGS_INVALID",
    "applied",
  ])
  expect(outcomes[1]).toEqual({ type: "rejected", code: "not-today", data: { why: "closed" } })
  expect(ids()).toEqual([1, 2])
})

test("an error that only looks like one of ours brings no code into the document (S16)", () => {
  expect(codes(apply(mutation("LooksLike")))).toEqual(["MUTATION_THREW"])
})

test("insert or rollback cannot half-commit, whether its author notices or not (T13)", () => {
  const outcomes = apply(
    mutation("Add", { id: 1 }),
    mutation("OrRollback"),
    mutation("OrRollbackSwallowed"),
    mutation("Add", { id: 2 }),
  )
  expect(codes(outcomes)).toEqual(["applied", "SQL_ERROR", expect.stringMatching(/^SQL_/), "applied"])
  expect(ids()).toEqual([1, 2])
})

test("a replaced row of the wrong type leaves nothing, caught by its author or not (T13, I16)", () => {
  expect(codes(apply(mutation("Pair"), mutation("ReplaceSwallowed"), mutation("Add", { id: 1 })))).toEqual([
    "applied",
    "SQL_ERROR",
    "applied",
  ])
  expect(db.exec("select * from pairs")).toEqual([{ id: 1, a: 1, b: 1 }])
  expect(db.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
})

test("commit, DDL and internal tables are denied inside a mutator (T13)", () => {
  const outcomes = apply(mutation("Commit"), mutation("Ddl"), mutation("Internal"), mutation("Add", { id: 1 }))
  expect(codes(outcomes)).toEqual(["SQL_DENIED", "SQL_DENIED", "SQL_DENIED", "applied"])
})

test("an endless statement or series of them is stopped; the rest of the group stands (T12)", () => {
  const outcomes = apply(
    mutation("Add", { id: 1 }),
    mutation("Endless"),
    mutation("Statements"),
    mutation("Add", { id: 2 }),
  )
  expect(codes(outcomes)).toEqual(["applied", "SQL_LIMIT", "SQL_LIMIT", "applied"])
  expect(ids()).toEqual([1, 2])
})

test("a deferred foreign key fails its own mutation, not the group's commit (T10)", () => {
  expect(codes(apply(mutation("Deferred"), mutation("Add", { id: 1 })))).toEqual(["SQL_ERROR", "applied"])
  expect(db.exec("pragma foreign_key_check")).toEqual([])
})

test("a mutator that returns a promise is refused (T14)", () => {
  expect(codes(apply(mutation("Async")))).toEqual(["MUTATION_ASYNC"])
})

test("a tx that was kept does nothing after its mutation", () => {
  apply(mutation("Keep"))
  expect(() => kept.tx?.run(sql`insert into t (id) values (1)`)).toThrow(
    expect.objectContaining({ code: "SQL_DENIED" }),
  )
})

test("clock, random, ids and user are the mutation's own: every run gives the same", async () => {
  const list = [mutation("Add", { id: 1 }), mutation("Ids"), mutation("Add", { id: 2 })]
  apply(...list)
  const first = [db.exec("select * from t order by id"), db.exec("select * from ids")]
  const other = new Database(await loadSqlite(), new Storage())
  migrate(other, mutator)
  for (const one of list)
    applyGroup({ db: other, mutator, side: "local", jobs: [{ mutation: one, author: { id: "me" } }], pagesMax: 1_000 })
  expect([other.exec("select * from t order by id"), other.exec("select * from ids")]).toEqual(first)
  expect(first[0][0]).toMatchObject({ at: 1_700_000_000, who: "me" })
  expect(first[0][0].random).not.toBe(first[0][1].random)
  expect(first[1][0].a).not.toBe(first[1][0].b)
})

test("an edited migration is refused, a failing one changes nothing, a new one runs", async () => {
  const again = (list: readonly string[]) =>
    defineMutator({ migrations: list.map((text) => ({ sql: text, parameters: [] })), mutations: [] })
  const fresh = new Database(await loadSqlite(), new Storage())
  migrate(fresh, again(["create table a (x)"]))
  expect(() => migrate(fresh, again(["create table b (x)"]))).toThrow(
    expect.objectContaining({ code: "MIGRATION_EDITED" }),
  )
  expect(() => migrate(fresh, again(["create table a (x)", "create table c (y)", "create tabel d (y)"]))).toThrow(
    expect.objectContaining({ code: "MIGRATION_FAILED" }),
  )
  expect(ranMigrations(fresh)).toHaveLength(1)
  expect(migrate(fresh, again(["create table a (x)", "create table c (y)"]))).toBe(true)
  expect(migrate(fresh, again(["create table a (x)", "create table c (y)"]))).toBe(false)
  expect(() => migrate(fresh, again([]))).toThrow(expect.objectContaining({ code: "SCHEMA_NEWER" }))
})

test("a migration may alter, rename, drop, index, make triggers and views, and backfill", async () => {
  const texts = [
    "create table a (id integer primary key, v text not null) strict",
    "insert into a values (1, 'kept')",
    "alter table a add column n integer not null default 0 check (n >= 0)",
    "alter table a rename column v to w",
    "alter table a rename to b",
    "create unique index b_by_w on b (w)",
    "create table gone (x any) strict",
    "drop table gone",
    "create trigger t after insert on b begin update b set n = n + 1 where id = new.id; end",
    "create view v as select w from b",
    "update b set n = 5",
    "drop trigger t",
    "alter table b drop column n",
    "create table generated (a integer, b integer generated always as (a * 2) stored) strict",
    "create virtual table f using fts5(body, content='b', content_rowid='id')",
  ]
  const fresh = new Database(await loadSqlite(), new Storage())
  migrate(fresh, defineMutator({ migrations: texts.map((text) => ({ sql: text, parameters: [] })), mutations: [] }))
  expect(fresh.all(sql`select * from v`)).toEqual([{ w: "kept" }])
  expect(fresh.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
})

test("what was deleted is gone from the pages, FTS5's index included (S12)", () => {
  const secret = "xylophonesecret"
  db.run(sql`insert into words values (${secret})`, "mutation")
  db.run(sql`insert into t (id, who) values (7, ${secret})`, "mutation")
  db.run(sql`delete from words`, "mutation")
  db.run(sql`delete from t where id = 7`, "mutation")
  storage.commit()
  const bytes = Buffer.concat([...storage.snapshot()].map((page) => Buffer.from(page)))
  expect(bytes.includes(secret)).toBe(false)
  expect(bytes.includes("xylophone")).toBe(false)
})

test("FTS5 with detail=none is refused: what was replaced would stay in its index (S12)", async () => {
  const storage = new Storage()
  const fresh = new Database(await loadSqlite(), storage)
  const migrations = [sql`create virtual table f using fts5(body, detail = 'none')`]
  expect(() => migrate(fresh, defineMutator({ migrations, mutations: [] }))).toThrow(
    expect.objectContaining({ code: "MIGRATION_FAILED" }),
  )
  expect(storage.pageCount()).toBe(0)
})

test("a rejection that carries what cannot be sent arrives all the same (I21)", () => {
  const [large, code, plain] = [
    new Reject("large", "x".repeat(REJECT_DATA_BYTES_MAX)),
    new Reject("c".repeat(300), () => {}),
    new Reject("plain", { at: new Date(5), list: [1n] }),
  ].map((rejection) => rejectionOf(rejection))
  expect(large).toEqual({ type: "rejected", code: "large", data: { message: expect.stringContaining("4096 bytes") } })
  expect(code).toEqual({
    type: "rejected",
    code: "c".repeat(REJECT_CODE_CHARS_MAX),
    data: { message: expect.stringContaining("no plain data") },
  })
  expect(plain).toEqual({ type: "rejected", code: "plain", data: { at: new Date(5), list: [1n] } })
})

test("a column named __proto__ is refused: it would be the row's prototype (S9)", () => {
  expect(() => db.all(sql`select x'01' as "__proto__"`)).toThrow(expect.objectContaining({ code: "SQL_ERROR" }))
})

test("a mutation survives its encoding, and too large a one is refused", () => {
  const args = {
    text: "é😀",
    list: [1, -2, 0.5, null, true, 2n ** 70n],
    bytes: new Uint8Array([1, 2]),
    at: new Date(5),
    no: undefined,
  }
  const one = mutation("Add", args)
  expect(mutationCodec.decode(mutationCodec.encode(one))).toEqual(one)
  expect(() => mutationCodec.encode(mutation("Add", "x".repeat(300_000)))).toThrow(
    expect.objectContaining({ code: "MUTATION_TOO_LARGE" }),
  )
  expect(() => mutationCodec.encode(mutation("Add", () => {}))).toThrow(
    expect.objectContaining({ code: "MUTATION_ARGS_INVALID" }),
  )
})
