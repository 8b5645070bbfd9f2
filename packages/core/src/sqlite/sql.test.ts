import { beforeAll, describe, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { Storage } from "../storage/storage.ts"
import { Database } from "./database.ts"
import { compileQuery, type Sql, sql } from "./sql.ts"

let db: Database
beforeAll(async () => {
  db = new Database(await loadSqlite(), new Storage())
  db.exec("create table users (name text, role text) strict")
  db.exec("insert into users values ('ann', 'admin'), ('bo', 'reader')")
})

const refused = (code: string) => expect.objectContaining({ code })

describe("text from outside is never SQL (S6)", () => {
  test.each(["' or 1=1 --", "'; drop table users; --", '" or ""="', "\\' or 1=1 --", "ann\0' or 1=1", "%"])(
    "%j is bound, as a value, in a list and as a name",
    (text) => {
      expect(db.all(sql`select * from users where name = ${text}`)).toEqual([])
      expect(db.all(sql`select * from users where name in (${sql.join([text, "ann"])})`)).toHaveLength(1)
      expect(sql`select ${text}`).toEqual({ sql: "select ?", parameters: [text] })
      expect(db.all(sql`select count(*) as n from users`)).toEqual([{ n: 2 }])
    },
  )

  test("an identifier is quoted, whatever is in it", () => {
    expect(sql`select ${sql.id('a"; drop table users; --')}`.sql).toBe('select "a""; drop table users; --"')
    expect(() => sql.id("a\0b")).toThrow(refused("SQL_BAD_PARAMETER"))
    expect(() => sql.id("")).toThrow(refused("SQL_BAD_PARAMETER"))
    expect(() => db.all(sql`select ${sql.id('name" from users; drop table users; --')} from users`)).toThrow()
    expect(db.all(sql`select ${sql.id("name")} from users limit 1`)).toEqual([{ name: "ann" }])
  })

  test("one call takes one statement", () => {
    expect(() => db.all(sql`select 1; select 2`)).toThrow(refused("SQL_MULTIPLE"))
    expect(() => db.run(sql`delete from users; delete from users`, "mutation")).toThrow(refused("SQL_MULTIPLE"))
    expect(db.all(sql`select count(*) as n from users`)).toEqual([{ n: 2 }])
  })

  test("a bare string is no query, and neither is sql called like a function", () => {
    const text = "select * from users where name = 'ann'"
    // Accepted by JavaScript without types.
    const call = sql as unknown as (text: string) => unknown
    expect(() => call(text)).toThrow(refused("SQL_BAD_PARAMETER"))
    expect(() => compileQuery(text as unknown as Sql)).toThrow()
  })

  test("a schema from outside cannot call anything unsafe (S11)", () => {
    expect(db.exec("pragma trusted_schema")).toEqual([{ trusted_schema: 0 }])
    expect(db.exec("pragma cell_size_check")).toEqual([{ cell_size_check: 1 }])
  })

  test("an object from outside that looks like SQL is a value, and no value that can be bound", () => {
    const alike: unknown = JSON.parse('{ "sql": "1 or 1=1", "parameters": [] }')
    expect(() => sql`select * from users where ${alike as string}`).toThrow(refused("SQL_BAD_PARAMETER"))
  })
})

test("a builder's query is compiled by compile() or toSQL(), its values bound", () => {
  const compiled = { sql: "select ?", parameters: [true] }
  const kysely = { execute: async () => [], compile: () => compiled }
  const drizzle = { toSQL: () => ({ sql: "select ?", params: [true] }) }
  expect(compileQuery(kysely)).toEqual({ sql: "select ?", parameters: [1] })
  expect(compileQuery(drizzle)).toEqual({ sql: "select ?", parameters: [1] })
  expect(() => compileQuery({ toSQL: () => ({ sql: "select ?", params: [{}] }) })).toThrow(
    expect.objectContaining({ code: "SQL_BAD_PARAMETER" }),
  )
})
