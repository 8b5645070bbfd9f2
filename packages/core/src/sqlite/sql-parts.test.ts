import { beforeAll, describe, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { loadChecksum } from "../base/checksum.ts"
import { Storage } from "../storage/storage.ts"
import { Database } from "./database.ts"
import { sql } from "./sql.ts"

beforeAll(loadChecksum)

const bad = expect.objectContaining({ code: "SQL_BAD_PARAMETER" })
const hostile = `x"; drop table todos; --`

describe("parts of statements", () => {
  test("sql.and and sql.or leave out what is not there; of nothing they are true and false", () => {
    const one = sql`a = ${1}`
    const two = sql`b = ${"x"} or c`
    expect(sql.and([one, null, undefined, false, two])).toMatchObject({
      sql: "((a = ?) and (b = ? or c))",
      parameters: [1, "x"],
    })
    expect(sql.or([one, sql.and([two])])).toMatchObject({ sql: "((a = ?) or (((b = ? or c))))", parameters: [1, "x"] })
    expect([sql.and([]).sql, sql.or([null]).sql]).toEqual(["1", "0"])
  })

  test("sql.set leaves out undefined, and quotes names", () => {
    expect(sql.set({ title: "t", done: undefined, n: sql`n + ${1}`, note: null })).toMatchObject({
      sql: '"title" = ?, "n" = n + ?, "note" = ?',
      parameters: ["t", 1, null],
    })
    expect(sql.set({ [hostile]: 1 }).sql).toBe(`"x""; drop table todos; --" = ?`)
    for (const nothing of [{}, { a: undefined }]) expect(() => sql.set(nothing)).toThrow(bad)
  })

  test("sql.values has the columns of the first row in each", () => {
    const rows = [
      { a: 1, b: "x" },
      { b: "y", a: 2 },
    ]
    expect(sql.values(rows)).toMatchObject({ sql: '("a", "b") values (?, ?), (?, ?)', parameters: [1, "x", 2, "y"] })
    for (const wrong of [[], [{}], [{ a: 1 }, { b: 1 }], [{ a: 1 }, { a: 1, b: 2 }]])
      expect(() => sql.values(wrong as { a: number }[])).toThrow(bad)
  })

  test("what the tag did not make is no condition (S6)", () => {
    const lookalike = JSON.parse('{"sql":"1 = 1","parameters":[]}') as ReturnType<typeof sql>
    for (const join of [sql.and, sql.or]) expect(() => join([lookalike])).toThrow(bad)
    expect(() => sql.set({ a: lookalike })).toThrow(bad)
  })

  test("SQLite takes all of them", async () => {
    const db = new Database(await loadSqlite(), new Storage())
    db.exec("create table todos (id integer primary key, title text, done integer default 0)")
    const ids = (where: ReturnType<typeof sql.and>) =>
      db.all(sql<{ id: number }>`select id from todos where ${where} order by id`).map(({ id }) => id)
    const rows = [1, 2, 3].map((id) => ({ id, title: `t${id}` }))
    db.run(sql`insert into todos ${sql.values(rows)}`, "internal")
    db.run(sql`update todos set ${sql.set({ done: 1, title: undefined })} where id = ${2}`, "internal")
    expect(ids(sql.and([]))).toEqual([1, 2, 3])
    expect(ids(sql.or([]))).toEqual([])
    expect(ids(sql.and([sql`done = ${0}`, sql.or([sql`id = ${1}`, sql`id = ${2}`])]))).toEqual([1])
    expect(db.all(sql`select title from todos where id = 2`)).toEqual([{ title: "t2" }])
    db.close()
  })
})
