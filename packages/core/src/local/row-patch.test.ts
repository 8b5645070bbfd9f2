import fc from "fast-check"
import { expect, test } from "vitest"
import type { Row } from "../sqlite/statement.ts"
import { diffRows, patchRows } from "./row-patch.ts"

const value = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(
    null,
    "a",
    "b",
    2n ** 60n,
    `\u0000b${2n ** 60n}`,
    "\u0000x1",
    Number.POSITIVE_INFINITY,
    "\u0000nInfinity",
  ),
  fc.uint8Array({ maxLength: 2 }),
)
const rows: fc.Arbitrary<Row[]> = fc.array(fc.record({ id: fc.integer({ min: 0, max: 6 }), v: value }), {
  maxLength: 12,
})

test("a patch turns the old rows into the new ones, and keeps the objects of equal rows", () => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const patch = diffRows(before, after)
      const patched = patch === null ? before : patchRows(before, patch)
      expect(patched).toEqual(after)
      const added = patch?.flatMap((step) => (step.type === "rows" ? step.rows : [])) ?? []
      for (const row of patched) expect(before.includes(row) || added.includes(row)).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test("equal rows make no patch", () => {
  fc.assert(
    fc.property(rows, (list) => {
      expect(diffRows(list, structuredClone(list))).toBe(null)
    }),
  )
})

test("one changed row in ten thousand is one row on the wire", () => {
  const before = Array.from({ length: 10_000 }, (_, id): Row => ({ id, v: 0 }))
  const after = before.map((row) => (row.id === 4_321 ? { id: 4_321, v: 1 } : { ...row }))
  expect(diffRows(before, after)).toEqual([
    { type: "keep", from: 0, count: 4_321 },
    { type: "rows", rows: [{ id: 4_321, v: 1 }] },
    { type: "keep", from: 4_322, count: 5_678 },
  ])
})

test("a hundred thousand rows that change, move or are equal make a patch in linear time (H6)", () => {
  const count = 100_000
  const before = Array.from({ length: count }, (_, id): Row => ({ id, v: id % 7 }))
  const changed = before.map(({ id }): Row => ({ id, v: "new" }))
  expect(diffRows(before, changed)).toEqual([{ type: "rows", rows: changed }])
  expect(patchRows(before, diffRows(before, before.toReversed()) ?? [])).toEqual(before.toReversed())
  // Equal rows: positions are taken in order, one by one.
  const equal = Array.from({ length: count }, (): Row => ({ v: 1 }))
  const framed: Row[] = [{ v: 2 }, ...equal.map((row) => ({ ...row })), { v: 2 }]
  expect(diffRows([{ v: 3 }, ...equal, { v: 3 }], framed)).toEqual([
    { type: "rows", rows: [{ v: 2 }] },
    { type: "keep", from: 1, count },
    { type: "rows", rows: [{ v: 2 }] },
  ])
})
