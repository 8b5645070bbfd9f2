import { describe, expect, test } from "vitest"
import type { Row } from "../sqlite/statement.ts"
import { diffRows } from "./row-patch.ts"

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
