import { beforeEach, describe, expect, test } from "vitest"
import { LfError } from "../base/error.ts"
import { sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import { LiveQuery, type LiveResult, liveQueryKey, queryKey } from "./live-query.ts"

const query = sql`select v from t where id = ${1}`
const rows = (...values: number[]): Row[] => values.map((v) => ({ v }))
const run = (list: Row[], pages = [1], asksClock = false) => ({ rows: list, pages: new Set(pages), asksClock })
const never = Number.NEGATIVE_INFINITY

let live: LiveQuery
let seen: LiveResult[]
beforeEach(() => {
  live = new LiveQuery(query)
  seen = []
})
const listen = () => live.listen((result) => seen.push(result))

describe("a live query's reader", () => {
  test("gets the rows of the first run when they are delivered, and later ones as patches", () => {
    listen()
    live.take(run(rows(1), [1], true))
    expect([seen, live.isShown]).toEqual([[], false])
    live.deliver()
    expect([seen, live.isShown]).toEqual([[{ type: "rows", rows: rows(1), asksClock: true }], true])
    live.take(run(rows(1, 2)))
    live.deliver()
    const patch = [
      { type: "keep", from: 0, count: 1 },
      { type: "rows", rows: rows(2) },
    ]
    expect(seen.slice(1)).toEqual([{ type: "patch", patch }])
    live.deliver()
    expect(seen.length).toBe(2)
  })

  test("gets nothing from a run that gave the same rows, and keeps the first objects", () => {
    const first = rows(1)
    listen()
    for (const list of [first, rows(1)]) {
      live.take(run(list))
      live.deliver()
    }
    expect(seen.length).toBe(1)
    live.listen((result) => seen.push(result))
    expect(seen[1]).toMatchObject({ type: "rows", asksClock: false })
    expect(seen[1].type === "rows" && seen[1].rows).toBe(first)
  })

  test("a later reader gets what is shown at once, be it rows or an error", () => {
    listen()
    expect(seen).toEqual([])
    live.take(run(rows(1)))
    live.deliver()
    listen()
    expect(seen[1]).toEqual({ type: "rows", rows: rows(1), asksClock: false })
    const error = new LfError("SQL_LIMIT", "long")
    live.fail(error, never)
    live.deliver()
    const before = seen.length
    listen()
    expect(seen.slice(before)).toEqual([{ type: "error", error }])
  })

  test("gets an error in place of rows and rows in place of an error, each error once", () => {
    listen()
    const steps: (() => void)[] = [
      () => live.take(run(rows(1))),
      () => live.fail(new LfError("SQL_LIMIT", "long"), never),
      () => live.fail(new LfError("SQL_LIMIT", "long"), never),
      () => live.fail(new LfError("SQL_LIMIT", "longer"), never),
      () => live.fail(new LfError("SQL_ERROR", "longer"), never),
      () => live.fail(new Error("longer"), never),
      () => live.take(run(rows(1))),
    ]
    for (const step of steps) {
      step()
      live.deliver()
    }
    const said = seen.map((result) =>
      result.type === "error" ? [result.error.code, result.error.message] : result.type,
    )
    const errors = [
      ["SQL_LIMIT", "long"],
      ["SQL_LIMIT", "longer"],
      ["SQL_ERROR", "longer"],
    ]
    expect(said).toEqual(["rows", ...errors, "rows"])
  })

  test("that stopped gets nothing more, also when another reader stops it", () => {
    const stop = live.listen(() => stopOther())
    const stopOther = live.listen((result) => seen.push(result))
    expect(live.isUsed).toBe(true)
    live.take(run(rows(1)))
    live.deliver()
    expect(seen.length).toBe(1)
    live.take(run(rows(2)))
    live.deliver()
    expect([seen.length, live.isUsed]).toEqual([1, true])
    stop()
    expect(live.isUsed).toBe(false)
  })

  test("the caller of a run is called once, after the readers, also when nothing is new", () => {
    const said: string[] = []
    live.listen(({ type }) => said.push(type))
    for (const name of ["a", "b"]) live.refresh(() => said.push(name))
    live.take(run(rows(1)))
    live.deliver()
    live.refresh(() => said.push("c"))
    live.take(run(rows(1)))
    live.deliver()
    live.deliver()
    expect(said).toEqual(["rows", "a", "b", "c"])
  })
})

describe("a live query runs again", () => {
  const reads = (pages: number[], nowMs = 0) => live.reads(new Set(pages), nowMs)

  test("when a page that it read has changed, be these fewer or more than it read", () => {
    live.take(run(rows(1), [3, 4]))
    const changes = [[3], [4], [5], [1, 2, 5], [1, 2, 3], [5, 3], [5, 6], []]
    expect(changes.map((pages) => reads(pages))).toEqual([true, true, false, false, true, true, false, false])
    live.deliver()
    expect(changes.map((pages) => reads(pages))).toEqual([true, true, false, false, true, true, false, false])
    live.take(run(rows(1), [5]))
    expect([reads([3]), reads([5])]).toEqual([false, true])
  })

  test("by any change before it ran or after it failed, until it has rows", () => {
    expect(reads([9])).toBe(true)
    live.take(run(rows(1), [3]))
    live.deliver()
    live.fail(new LfError("SQL_ERROR", "no"), never)
    expect(reads([9])).toBe(true)
    live.deliver()
    expect(reads([9])).toBe(true)
    live.take(run(rows(1), [3]))
    expect(reads([9])).toBe(false)
  })

  test("when its pause has ended, or a run that was asked for went well (H8)", () => {
    live.fail(new LfError("SQL_LIMIT", "long"), 100)
    expect([reads([1], 99), reads([1], 100), reads([1], 101)]).toEqual([false, true, true])
    live.fail(new LfError("SQL_LIMIT", "long"), 100)
    live.take(run(rows(1), [1]))
    expect(reads([1], 99)).toBe(true)
  })
})

describe("a query's key", () => {
  test("differs by text and parameters, and by their types too", () => {
    const bytes = (...list: number[]) => Uint8Array.from(list)
    const values = [1, "1", 1n, 1.5, null, "null", bytes(1), bytes(1, 2), bytes(12), "x:1", ""]
    const keys = values.map((value) => queryKey(sql`select ${value}`))
    keys.push(queryKey(sql`select ${1}, 2`), queryKey(sql`select ${1}, ${2}`), queryKey(sql`select 1`))
    expect(new Set(keys).size).toBe(keys.length)
    expect(queryKey(sql`select ${bytes(1, 2)}`)).toBe(queryKey(sql`select ${bytes(1, 2)}`))
  })

  test("in the cache has user and document too, the same on server and in hooks", () => {
    const asked = sql`select ${1}, ${"a"}, ${Uint8Array.of(1, 2)}, ${null}, ${2n}`
    const parameters = ["number:1", "string:a", "x:1,2", "object:null", "bigint:2"]
    expect(liveQueryKey("ann", "d", asked)).toEqual(["lf", "ann", "d", "select ?, ?, ?, ?, ?", parameters])
    expect(liveQueryKey(null, "d", sql`select 1`)).toEqual(["lf", null, "d", "select 1", []])
    expect(queryKey(asked)).toBe(JSON.stringify(["select ?, ?, ?, ?, ?", parameters]))
  })
})
