import { describe, expect, test } from "vitest"
import type { Row } from "../sqlite/statement.ts"
import type { SqlValue } from "../sqlite/value.ts"
import { diffRows, type PatchStep } from "./row-patch.ts"

const rows = (...values: unknown[]) => values.map((v) => ({ v }) as Row) // values of SQLite's
const keep = (from: number, count: number) => ({ type: "keep", from, count })
const added = (...values: unknown[]) => ({ type: "rows", rows: rows(...values) })

describe("a patch", () => {
  test.each<[string, Row[], Row[], unknown]>([
    ["of one row that changed", rows(1, 2, 3), rows(1, 9, 3), [keep(0, 1), added(9), keep(2, 1)]],
    ["of rows at the end", rows(1), rows(1, 2, 3), [keep(0, 1), added(2, 3)]],
    ["of rows at the front", rows(3), rows(1, 2, 3), [added(1, 2), keep(0, 1)]],
    ["of a row that went", rows(1, 2, 3), rows(1, 3), [keep(0, 1), keep(2, 1)]],
    ["of a row that moved", rows(1, 2, 3, 4), rows(2, 3, 1, 4), [keep(1, 2), keep(0, 1), keep(3, 1)]],
    ["of equal rows, taken in their order", rows(1, 1, 5), rows(6, 1, 1), [added(6), keep(0, 2)]],
    ["of more equal rows than there were", rows(1, 5), rows(6, 1, 1, 7), [added(6), keep(0, 1), added(1, 7)]],
    ["from nothing", [], rows(1, 2), [added(1, 2)]],
    ["to nothing", rows(1, 2), [], []],
    ["of a list that repeats itself", rows(1, 1), rows(1, 1, 1), [keep(0, 2), added(1)]],
  ])("%s", (_, before, after, patch) => {
    expect(diffRows(before, after)).toEqual(patch)
  })

  test("is made for any difference in a row: a value, a type, a column more or less", () => {
    const bytes = (...list: number[]) => Uint8Array.from(list)
    for (const [a, b] of [
      [{ v: 1 }, { v: "1" }],
      [{ v: 1 }, { v: 1n }],
      [{ v: null }, { v: 0 }],
      [{ v: bytes(1, 2) }, { v: bytes(1, 3) }],
      [{ v: bytes(1, 2) }, { v: bytes(1) }],
      [{ v: bytes(1) }, { v: 1 }],
      [{ v: 1 }, { v: 1, w: 2 }],
      [{ v: 1, w: 2 }, { v: 1 }],
    ] as [Row, Row][]) {
      expect(diffRows([a], [b])).toEqual([{ type: "rows", rows: [b] }])
      expect(diffRows([a, { v: 5 }], [{ v: 6 }, b])).toEqual([{ type: "rows", rows: [{ v: 6 }, b] }])
    }
    expect(diffRows([{ v: bytes(1, 2) }], [{ v: bytes(1, 2) }])).toBe(null)
  })

  test("keeps rows of bytes, large integers and infinities that moved", () => {
    for (const value of [Uint8Array.of(1, 2), 2n ** 60n, Number.POSITIVE_INFINITY, "\u0000b1", null]) {
      const patch = diffRows(rows(0, 1, value), rows(value, 5, 6))
      expect(patch?.[0]).toEqual(keep(2, 1))
    }
  })
})

describe("the cost of a patch", () => {
  /** Rows of one column, which count each look at it. */
  function counted() {
    const looks = { count: 0 }
    const row = (value: SqlValue): Row => ({
      get v() {
        looks.count++
        return value
      },
    })
    return { looks, rows: (values: readonly SqlValue[]) => values.map(row) }
  }
  const numbers = Array.from({ length: 1_000 }, (_, i) => i)
  const without = (from: number, count: number) => numbers.filter((i) => i < from || i >= from + count)
  const added = (at: number, count: number) => [
    ...numbers.slice(0, at),
    ...Array.from({ length: count }, (_, i) => -1 - i),
    ...numbers.slice(at),
  ]

  test.each([
    ["no change", numbers, null],
    ["one row more at the beginning", added(0, 1), ["rows 1", "keep 0 1000"]],
    ["8 rows more in the middle", added(500, 8), ["keep 0 500", "rows 8", "keep 500 500"]],
    ["one row more at the end", added(1_000, 1), ["keep 0 1000", "rows 1"]],
    ["one row less at the beginning", without(0, 1), ["keep 1 999"]],
    ["8 rows less in the middle", without(500, 8), ["keep 0 500", "keep 508 492"]],
    ["one row less at the end", without(999, 1), ["keep 0 999"]],
  ])("of %s is one look at each row", (_what, after, expected) => {
    const { looks, rows } = counted()
    const patch = diffRows(rows(numbers), rows(after))
    expect(patch?.map(stepText) ?? null).toEqual(expected)
    // Two rows for each comparison, and what is looked ahead for.
    expect(looks.count).toBeLessThan(2 * 1_000 + 100)
  })

  test("of rows that are the same objects is no look at all", () => {
    const { looks, rows } = counted()
    const same = rows(numbers)
    expect(diffRows(same, [...same])).toBeNull()
    expect(looks.count).toBe(0)
  })

  test("equal rows are taken in their order, and each once", () => {
    const { rows } = counted()
    const [before, after] = [rows(["a", "a", "b", "c"]), rows(["c", "b", "a", "a", "a"])]
    expect(diffRows(before, after)?.map(stepText)).toEqual(["keep 3 1", "keep 2 1", "keep 0 2", "rows 1"])
  })

  test("bytes are compared one by one, and with nothing else", () => {
    const bytes = (...values: number[]) => Uint8Array.from(values)
    const row = (v: SqlValue) => ({ v })
    expect(diffRows([row(bytes(1, 2))], [row(bytes(1, 2))])).toBeNull()
    for (const other of [bytes(1, 3), bytes(1, 2, 3), bytes(), "1,2", null, 12])
      for (const [a, b] of [
        [bytes(1, 2), other],
        [other, bytes(1, 2)],
      ])
        expect(diffRows([row(a)], [row(b)])?.map(stepText)).toEqual(["rows 1"])
  })

  test("a row with another column, or one less, is another row", () => {
    expect(diffRows([{ a: 1 }], [{ a: 1, b: null }])?.map(stepText)).toEqual(["rows 1"])
    expect(diffRows([{ a: 1, b: null }], [{ a: 1 }])?.map(stepText)).toEqual(["rows 1"])
  })
})

function stepText(step: PatchStep): string {
  return step.type === "rows" ? `rows ${step.rows.length}` : `keep ${step.from} ${step.count}`
}
