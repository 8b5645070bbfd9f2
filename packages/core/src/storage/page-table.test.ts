import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { pagesChecksum } from "../journal/log-header.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import type { Changeset } from "./changeset.ts"
import { encodeDelta, encodeWhole } from "./delta.ts"
import { PageTable } from "./page-table.ts"

beforeAll(loadChecksum)

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill)
const mismatch = expect.objectContaining({ code: "CHECKSUM_MISMATCH" })

function tableOf(...pages: Page[]): PageTable {
  const table = new PageTable()
  table.load(pages)
  return table
}

test("a changeset may be of a whole database, smaller or larger than what was there", () => {
  const whole: Changeset = {
    pageCount: 1,
    isWhole: true,
    before: null,
    after: pagesChecksum([page(7)]),
    pages: [{ pageNo: 1, deltas: [encodeWhole(page(7))] }],
  }
  const table = tableOf(page(1), page(2))
  expect([...table.receive(whole).keys()]).toEqual([1, 2])
  expect([...table.snapshot()]).toEqual([page(7)])
})

test("a changeset that shrinks the database removes the pages' shares of the checksum", () => {
  const table = tableOf(page(1), page(2), page(3))
  const after = pagesChecksum([page(9)])
  const pages = [{ pageNo: 1, deltas: [encodeDelta(page(1), page(9))] }]
  expect([...table.receive({ pageCount: 1, isWhole: false, before: table.checksum, after, pages }).keys()]).toEqual([
    1, 2, 3,
  ])
  expect([table.pageCount, table.checksum]).toEqual([1, after])
})

test("a page that neither side has is refused, even where the checksum is right (I5)", () => {
  const table = tableOf(page(1))
  const empty: Changeset = { pageCount: 2, isWhole: false, before: null, after: table.checksum, pages: [] }
  expect(() => table.receive(empty)).toThrow(mismatch)
  expect(() => table.receive({ ...empty, isWhole: true, after: 0n })).toThrow(mismatch)
  expect([...table.snapshot()]).toEqual([page(1)])
})

test("a changeset made for other pages is refused, unless it is whole or names no base (I5)", () => {
  const change = (before: bigint | null, isWhole = false): Changeset => ({
    pageCount: 1,
    isWhole,
    before,
    after: pagesChecksum([page(9)]),
    pages: [{ pageNo: 1, deltas: [encodeWhole(page(9))] }],
  })
  expect(() => tableOf(page(1)).receive(change(7n))).toThrow(mismatch)
  for (const given of [change(null), change(7n, true), change(pagesChecksum([page(1)]))]) {
    const table = tableOf(page(1))
    expect([...table.receive(given).keys()]).toEqual([1])
    expect(table.checksum).toBe(pagesChecksum([page(9)]))
  }
})

test("a table cut to as many pages as it has, or more, keeps them all", () => {
  const table = tableOf(page(1), page(2))
  const { checksum } = table
  for (const pageCount of [2, 3]) {
    table.truncate(pageCount)
    expect([table.pageCount, table.checksum]).toEqual([2, checksum])
  }
  expect([...new PageTable().snapshot()]).toEqual([])
})

test("a snapshot stays as it was, whatever is set, added or cut off afterwards, chunk by chunk", () => {
  const fills = Array.from({ length: 600 }, (_, i) => i % 251)
  const table = tableOf(...fills.map(page))
  const shown = (pages: Iterable<Page>) => Array.from(pages, ([fill]) => fill)
  const before = table.snapshot()
  table.set(1, page(252))
  table.set(601, page(253))
  const between = table.snapshot()
  table.truncate(300)
  table.set(300, page(254))
  expect(shown(before)).toEqual(fills)
  expect([between.length, between.at(0)?.[0], between.at(600)?.[0], between.at(601)]).toEqual([
    601,
    252,
    253,
    undefined,
  ])
  expect(shown(table.snapshot())).toEqual([252, ...fills.slice(1, 299), 254])
  expect(table.checksum).toBe(pagesChecksum([...table.snapshot()]))
})
