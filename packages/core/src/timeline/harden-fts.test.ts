import { beforeAll, beforeEach, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutator } from "./mutator.ts"
import { hardenSchema, migrate } from "./schema.ts"

beforeAll(loadChecksum)

let db: Database
beforeEach(async () => {
  db = new Database(await loadSqlite(), new Storage())
})

const refused = (table: string) =>
  expect.objectContaining({ code: "MIGRATION_FAILED", message: expect.stringMatching(new RegExp(`^${table}: `)) })

test("an older table that keeps deleted words is refused at the open; nothing is written (S12)", () => {
  db.exec("create virtual table good using fts5(t)")
  db.exec(`create virtual table words using fts5("a ""b", detail=none)`)
  expect(() => hardenSchema(db)).toThrow(refused("words"))
  expect([db.inTransaction, db.exec("select v from good_config where k = 'secure-delete'")]).toEqual([false, []])
})

test("the same for contentless_delete (S12)", () => {
  db.exec("create virtual table words using fts5(t, content='', contentless_delete=1)")
  expect(() => hardenSchema(db)).toThrow(refused("words"))
})

test("a table whose first column has any name is checked and accepted (S12)", () => {
  for (const [i, column] of ['"we""ird"', '"a b"', "[detail=none]"].entries())
    db.exec(`create virtual table w${i} using fts5(${column}, tokenize='trigram')`)
  expect(hardenSchema(db)).toBe(true)
})

test("a document without such tables is left as it is", () => {
  db.exec("create table plain (secure text)")
  expect(hardenSchema(db)).toBe(false)
})

test("secure-delete that was turned off is turned on again (S12)", () => {
  db.exec("create virtual table words using fts5(t)")
  db.exec("insert into words(words, rank) values ('secure-delete', 0)")
  expect(hardenSchema(db)).toBe(true)
  expect(db.exec("select v from words_config where k = 'secure-delete'")).toEqual([{ v: 1 }])
})

test("a migration that fails names its number once, and its cause is what SQLite said", () => {
  const failing = defineMutator({ migrations: [sql`create table a (x)`, sql`create table a (y)`], mutations: [] })
  expect(() => migrate(db, failing)).toThrow(
    expect.objectContaining({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(/^migration 1: (?!migration)/),
      cause: expect.objectContaining({ code: "SQL_ERROR" }),
    }),
  )
  expect([db.inTransaction, db.exec("select name from sqlite_schema")]).toEqual([false, []])
})

test("without migrations only our own table is made, once", () => {
  const none = defineMutator({ migrations: [], mutations: [] })
  expect([migrate(db, none), migrate(db, none)]).toEqual([true, false])
  expect(db.exec("select * from __lf_migrations")).toEqual([])
})
