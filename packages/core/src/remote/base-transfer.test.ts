import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { OUTCOMES_PER_PART_MAX, type Rejection } from "../network/message.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { decodeChunk } from "../storage/page-chunk.ts"
import { PageHistory } from "../storage/page-history.ts"
import { PageTable } from "../storage/page-table.ts"
import { BaseTransfer, planBase } from "./base-transfer.ts"

beforeAll(loadChecksum)

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill)
const outcome = (n: number): Rejection => ({ lsn: lsn(n), uid: `u${n}`, code: "no", data: null })

/** A snapshot at position 9 in chunks of two pages. */
function snapshotOf(pageCount: number) {
  const table = new PageTable(2)
  table.load(Array.from({ length: pageCount }, (_, i) => page(i + 1)))
  return { lsn: lsn(9), checksum: table.checksum, pages: table.snapshot() }
}

/** The chunks that a client gets, by their indexes; pages changed at the positions given. */
function plan(changedAt: readonly number[], resumeLsn: number, resumePages: number, changedSince = 3) {
  const request = { type: "sync-storage", cursor: lsn(0), outcomesSeen: lsn(0), resumeLsn: lsn(resumeLsn) } as const
  const history = new PageHistory(lsn(9), changedAt, lsn(changedSince))
  const { from, chunks } = planBase(snapshotOf(changedAt.length), history, { ...request, resumePages })
  return [from, chunks]
}

describe("a first sync that was cut", () => {
  const unchanged = [1, 1, 1, 1, 1]

  test("goes on with the chunks that are missing, whole or in part", () => {
    expect(plan(unchanged, 5, 2)).toEqual([5, [1, 2]])
    expect(plan(unchanged, 5, 3)).toEqual([5, [1, 2]])
    expect(plan(unchanged, 5, 4)).toEqual([5, [2]])
    expect(plan(unchanged, 5, 5)).toEqual([5, []])
    expect(plan(unchanged, 5, 0)).toEqual([5, [0, 1, 2]])
  })

  test("and with those that changed since", () => {
    expect(plan([1, 6, 5, 5, 1], 5, 4)).toEqual([5, [0, 2]])
    expect(plan([6, 1, 1, 1, 9], 5, 5)).toEqual([5, [0, 2]])
  })

  test("of a document that has shrunk has nothing more to get", () => {
    expect(plan([1, 1], 5, 4)).toEqual([5, []])
    expect(plan([], 5, 4)).toEqual([5, []])
  })

  test("begins anew where it is not known what changed: too old, ahead of the server, or none", () => {
    for (const at of [2, 10, 0]) expect(plan(unchanged, at, 4)).toEqual([0, [0, 1, 2]])
    expect(plan(unchanged, 3, 4)).toEqual([3, [2]])
    expect(plan(unchanged, 9, 4)).toEqual([9, [2]])
    expect(plan(unchanged, 0, 4, 0)).toEqual([0, [0, 1, 2]])
  })
})

describe("a whole base", () => {
  const all = async (transfer: BaseTransfer) => {
    const parts = [await transfer.nextPart()]
    while (!parts.at(-1)?.isLast) parts.push(await transfer.nextPart())
    return parts
  }

  test("is its chunks in order, with what they lead to and an estimate of their bytes", async () => {
    const snapshot = snapshotOf(5)
    const parts = await all(new BaseTransfer(snapshot, { from: lsn(0), chunks: [0, 1, 2] }, []))
    expect(parts.map(({ pageNo, count }) => [pageNo, count])).toEqual([
      [1, 2],
      [3, 2],
      [5, 1],
    ])
    for (const { from, to, pageCount, checksum } of parts)
      expect([from, to, pageCount, checksum]).toEqual([0, 9, 5, snapshot.checksum])
    const pages = await Promise.all(parts.map(({ block, count }) => decodeChunk(block, count)))
    expect(pages.flat()).toEqual([...snapshot.pages])
    const bytes = parts.map(({ block }) => block.length)
    expect([parts[0].bytesTotal, parts[2].bytesTotal]).toEqual([
      Math.ceil((bytes[0] / 2) * 5),
      bytes[0] + bytes[1] + bytes[2],
    ])
  })

  test("that is there already is one part without pages", async () => {
    const parts = await all(new BaseTransfer(snapshotOf(5), { from: lsn(5), chunks: [] }, []))
    expect(parts).toMatchObject([{ from: 5, pageNo: 0, count: 0, bytesTotal: 0, isLast: true }])
  })

  test("has all outcomes before its last part, though its pages are sent already", async () => {
    const outcomes = Array.from({ length: 2 * OUTCOMES_PER_PART_MAX + 1 }, (_, i) => outcome(i + 1))
    const parts = await all(new BaseTransfer(snapshotOf(2), { from: lsn(0), chunks: [0] }, outcomes))
    expect(parts.map(({ count }) => count)).toEqual([2, 0, 0])
    expect(parts.flatMap((part) => part.outcomes)).toEqual(outcomes)
  })
})
