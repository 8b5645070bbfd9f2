import { beforeAll, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { Database } from "./database.ts"
import type { SqliteModule } from "./module.ts"
import { PAGE_BYTES, type Page } from "./page.ts"
import { sql } from "./sql.ts"
import type { PageStore } from "./vfs.ts"

class Pages implements PageStore {
  readonly list: Page[] = []
  pageCount(): number {
    return this.list.length
  }
  page(pageNo: number): Page {
    return this.list[pageNo - 1]
  }
  newPage(): Page {
    return new Uint8Array(PAGE_BYTES)
  }

  write(pageNo: number, page: Page): void {
    this.list[pageNo - 1] = page
  }
  truncate(count: number): void {
    this.list.length = count
  }
}

let module: SqliteModule
let pages: Pages
let db: Database
beforeAll(async () => {
  module = await loadSqlite()
  pages = new Pages()
  db = new Database(module, pages)
  db.exec("create table t(id integer primary key, v any) strict")
})

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
  return "no error"
}

test("every kind of value survives a round trip", () => {
  const values = [
    null,
    0,
    1,
    -1,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    -(2 ** 53) + 1,
    2n ** 53n,
    -(2n ** 63n),
    2n ** 63n - 1n,
  ]
  const more = [
    0.5,
    1e300,
    Number.POSITIVE_INFINITY,
    "",
    "a",
    "é€😀",
    "x".repeat(100_000),
    new Uint8Array([0, 255]),
    new Uint8Array(70_000),
  ]
  for (const value of [...values, ...more]) {
    db.exec("delete from t")
    db.run(sql`insert into t values (1, ${value})`, "mutation")
    expect(db.all(sql`select v from t`)).toEqual([{ v: value }])
  }
})

test("what cannot be bound is refused with SQL_BAD_PARAMETER", () => {
  for (const bad of [undefined, Number.NaN, new Date(), {}, Symbol("s"), 2n ** 63n]) {
    expect(codeOf(() => sql`select ${bad as unknown as null}`)).toBe("SQL_BAD_PARAMETER")
  }
  expect(codeOf(() => db.all({ sql: "select ?, ?", parameters: [1] }))).toBe("SQL_BAD_PARAMETER")
})

test("a query cannot write, a mutation cannot change the schema or the transaction (T13)", () => {
  expect(codeOf(() => db.all(sql`insert into t values (5, 1)`))).toBe("SQL_DENIED")
  db.exec("begin")
  for (const text of [
    "commit",
    "rollback",
    "savepoint a",
    "release a",
    "attach ':memory:' as b",
    "vacuum",
    "pragma foreign_keys=off",
    "create table u(x)",
    "create temp table u(x)",
    "drop table t",
    "create index i on t(v)",
    "alter table t rename to u",
    "begin",
    "delete from sqlite_master",
    "create table __lf_x(y)",
    "select load_extension('x')",
  ]) {
    expect([text, codeOf(() => db.run({ sql: text, parameters: [] }, "mutation"))]).toEqual([
      text,
      expect.stringMatching(/SQL_(DENIED|ERROR)/),
    ])
  }
  expect(db.inTransaction).toBe(true)
  db.exec("rollback")
  expect(codeOf(() => db.all(sql`select 1; select 2`))).toBe("SQL_MULTIPLE")
  expect(db.all(sql`select 1 as a; -- more`)).toEqual([{ a: 1 }])
  expect(codeOf(() => db.all(sql`selec 1`))).toBe("SQL_ERROR")
})

test("the clock is ours, localtime is refused, random() repeats after a seed", () => {
  db.setClock(() => 1_700_000_000_123)
  expect(db.all(sql`select strftime('%s','now') as s, unixepoch('subsec') as u`)).toEqual([
    { s: "1700000000", u: 1_700_000_000.123 },
  ])
  expect(codeOf(() => db.all(sql`select datetime('now','localtime')`))).toBe("SQL_ERROR")
  db.seed(7)
  const first = db.all(sql`select random() as r, hex(randomblob(8)) as b`)
  db.seed(7)
  expect(db.all(sql`select random() as r, hex(randomblob(8)) as b`)).toEqual(first)
  db.seed(8)
  expect(db.all(sql`select random() as r, hex(randomblob(8)) as b`)).not.toEqual(first)
})

test("reads are tracked, and a clock query says so", () => {
  db.exec("delete from t")
  const tracked = db.track(sql`select * from t`)
  expect(tracked.rows).toEqual([])
  expect([...tracked.pages].sort()).toEqual([1, 2])
  expect(tracked.asksClock).toBe(false)
  expect(db.track(sql`select datetime('now')`).asksClock).toBe(true)
})

test("an endless statement is stopped within its budget (T12)", () => {
  db.setBudget(1_000_000)
  const endless = sql`with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n`
  expect(codeOf(() => db.all(endless))).toBe("SQL_LIMIT")
  db.setBudget(Number.POSITIVE_INFINITY)
})

test("a deferred foreign key is seen before the commit", () => {
  db.exec("create table p(id integer primary key) strict")
  db.exec("create table c(p integer references p(id) deferrable initially deferred) strict")
  db.exec("begin")
  db.run(sql`insert into c values (9)`, "mutation")
  expect(db.hasDeferredViolations).toBe(true)
  db.exec("rollback")
  expect(db.hasDeferredViolations).toBe(false)
})

test("FTS5 works in a mutation and in a query", () => {
  db.run(sql`create virtual table f using fts5(body)`, "migration")
  db.run(sql`insert into f values ('hello page world')`, "mutation")
  expect(db.all(sql`select body from f where f match 'page'`)).toHaveLength(1)
})

test("two documents in one process never see each other's callbacks (T27)", async () => {
  const other = new Database(await loadSqlite(), new Pages())
  other.setClock(() => 0)
  other.setBudget(1)
  db.setClock(() => 1_000_000)
  expect(db.all(sql`select unixepoch('now') as s`)).toEqual([{ s: 1000 }])
  expect(other.all(sql`select unixepoch('now') as s`)).toEqual([{ s: 0 }])
  expect(codeOf(() => other.all(sql`select count(*) from t`))).toBe("SQL_ERROR")
})

test("after a page swap and a reset, prepared statements answer the new rows (T16)", () => {
  db.exec("delete from t")
  db.exec("insert into t values (1, 'old')")
  const before = pages.list.slice()
  expect(db.all(sql`select v from t`)).toEqual([{ v: "old" }])
  db.exec("update t set v = 'new'")
  expect(db.all(sql`select v from t`)).toEqual([{ v: "new" }])
  pages.list.splice(0, pages.list.length, ...before)
  db.resetCache()
  expect(db.all(sql`select v from t`)).toEqual([{ v: "old" }])
})
