import { beforeAll, describe, expect, test } from "vitest"
import { assert } from "../base/assert.ts"
import { loadChecksum } from "../base/checksum.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import type { Changeset } from "./changeset.ts"
import { applyDelta, encodeDelta, encodeWhole, type PageDelta } from "./delta.ts"
import { type Difference, PageHistory } from "./page-history.ts"

beforeAll(loadChecksum)

const EMPTY: Page = new Uint8Array(PAGE_BYTES)
const noise = (seed: number): Page =>
  Uint8Array.from({ length: PAGE_BYTES }, (_, i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) & 255)

function changeset(deltas: Record<number, PageDelta>, pageCount = 3): Changeset {
  const pages = Object.entries(deltas).map(([pageNo, delta]) => ({ pageNo: Number(pageNo), deltas: [delta] }))
  return { pageCount, isWhole: false, before: 5n, after: 6n, pages }
}

function historyOf(...changes: Changeset[]): PageHistory {
  const history = new PageHistory(lsn(0))
  changes.forEach((one, i) => {
    history.append(lsn(i + 1), one)
  })
  return history
}

/** What a reader lacks that does not lack everything. */
function since(history: PageHistory, cursor: number): Difference {
  const difference = history.since(lsn(cursor))
  assert(difference !== null, "the history reaches the cursor")
  return difference
}

describe("page history", () => {
  const runs = encodeDelta(
    EMPTY,
    EMPTY.map((_, i) => (i < 4 ? 1 : 0)),
  )

  test("a reader without a cursor lacks everything", () => {
    expect(historyOf(changeset({ 1: runs })).since(lsn(0))).toBeNull()
  })

  test("a page that is sent whole is compressed once, however many ask", () => {
    const difference = since(new PageHistory(lsn(9), [9, 4], lsn(3)), 4)
    const page = noise(1)
    const [first, second] = [difference.change(1, page), difference.change(1, page)]
    expect(first.deltas[0]).toBe(second.deltas[0])
    expect(applyDelta(undefined, first.deltas[0])).toEqual(page)
  })

  test("a recent reader gets the deltas since its cursor, and only those", () => {
    const history = historyOf(changeset({ 1: runs }), changeset({ 2: runs, 3: runs }), changeset({ 2: runs }))
    const difference = since(history, 1)
    expect([difference.before, difference.pageNos]).toEqual([5n, [2, 3]])
    expect(difference.change(2, EMPTY).deltas).toEqual([runs, runs])
    expect(difference.change(3, EMPTY).deltas).toEqual([runs])
  })

  test("a whole page makes the deltas before it needless, and a long chain is a whole page", () => {
    const page = noise(2)
    const many = encodeDelta(EMPTY, page)
    const late = historyOf(changeset({ 2: runs }), changeset({ 1: runs }), changeset({ 1: encodeWhole(EMPTY) }))
    expect(since(late, 1).change(1, EMPTY).deltas).toEqual([encodeWhole(EMPTY)])
    const some = new Uint8Array(300)
    const long = historyOf(changeset({ 2: runs }), changeset({ 1: some }), changeset({ 1: some }))
    expect(since(long, 1).change(1, EMPTY).deltas).toEqual([encodeWhole(EMPTY)])
    const best = historyOf(changeset({ 2: runs }), changeset({ 1: many }))
    expect(since(best, 1).change(1, page).deltas).toEqual([many])
  })

  test("which pages changed or came after a cursor is known page by page", () => {
    const history = historyOf(changeset({ 1: runs }, 1), changeset({ 2: runs }, 2), changeset({ 1: runs }, 2))
    expect([1, 2].map((pageNo) => [1, 2, 3].map((at) => history.hasChanged(pageNo, lsn(at))))).toEqual([
      [true, true, false],
      [true, false, false],
    ])
  })

  test("the ring is bounded; a reader from before it gets each changed page once (I17)", () => {
    const history = new PageHistory(lsn(0))
    const large = new Uint8Array(PAGE_BYTES)
    const last = 2100
    history.append(lsn(1), changeset({ 2: runs }))
    for (let at = 2; at <= last; at++) history.append(lsn(at), changeset({ 1: large }))
    const numbers = (cursor: number): readonly number[] => since(history, cursor).pageNos
    expect(since(history, 1).before).toBe(null)
    expect([numbers(1), numbers(last - 1), numbers(last)]).toEqual([[1], [1], []])
    expect(since(history, 1).change(1, EMPTY).deltas).toEqual([encodeWhole(EMPTY)])
    expect(history.changedAt.slice(0, 2)).toEqual([last, 1])
  })

  test("what a checkpoint kept serves readers from after it; older ones get everything", () => {
    const kept: [Lsn, number[], Lsn] = [lsn(9), [9, 4], lsn(3)]
    const history = new PageHistory(...kept)
    expect(history.changedSince).toBe(3)
    expect(since(history, 4).pageNos).toEqual([1])
    expect(history.since(lsn(2))).toBeNull()
    expect([1, 2, 3, 4].map((at) => history.reaches(lsn(at)))).toEqual([false, false, true, true])
    expect(new PageHistory(lsn(0)).reaches(lsn(0))).toBe(false)
  })

  test("a cursor at the oldest that a checkpoint knows of, and one at the ring's begin, are exact", () => {
    const history = new PageHistory(lsn(9), [9, 4, 3], lsn(3))
    expect(history.since(lsn(3))).toMatchObject({ before: null, pageNos: [1, 2] })
    history.append(lsn(10), changeset({ 3: runs }))
    expect(history.since(lsn(9))).toMatchObject({ before: 5n, pageNos: [3] })
    expect(history.since(lsn(8))).toMatchObject({ before: null, pageNos: [1, 3] })
    expect(new PageHistory(lsn(0)).changedAt).toEqual([])
  })

  test("a chain is sent up to 512 bytes, and beyond where the page is at least as long", () => {
    const chainOf = (bytes: number) =>
      historyOf(
        changeset({ 2: runs }),
        changeset({ 1: new Uint8Array(4) }),
        changeset({ 1: new Uint8Array(bytes - 6) }),
      )
    const deltas = (bytes: number, page: Page) => since(chainOf(bytes), 1).change(1, page).deltas
    expect(deltas(512, EMPTY).map(({ length }) => length)).toEqual([4, 506])
    expect(deltas(513, EMPTY)).toEqual([encodeWhole(EMPTY)])
    const page = noise(3)
    const whole = encodeWhole(page).length
    expect(deltas(whole + 1, page)).toHaveLength(2)
    expect(deltas(whole + 2, page)).toEqual([encodeWhole(page)])
  })

  test("a single change is sent as it was made, however long: it was compared with the page then", () => {
    const one = new Uint8Array(4_000)
    expect(since(historyOf(changeset({ 2: runs }), changeset({ 1: one })), 1).change(1, EMPTY).deltas).toEqual([one])
  })

  test("the ring keeps what came last: half of its bytes when it has passed them (I17)", () => {
    const history = new PageHistory(lsn(0))
    const large = new Uint8Array(1024 * 1024 - 72)
    for (let at = 1; at <= 8; at++) history.append(lsn(at), changeset({ [at]: large }, 9))
    expect(since(history, 1).before).toBe(5n)
    history.append(lsn(9), changeset({ 9: large }, 9))
    const isInRing = [4, 5, 6].map((cursor) => since(history, cursor).before !== null)
    expect(isInRing).toEqual([false, true, true])
    expect(since(history, 5).pageNos).toEqual([6, 7, 8, 9])
  })
})
