import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { useDeflater } from "../base/deflate.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage } from "../network/codec.ts"
import { type Chunk, OUTCOMES_PER_PART_MAX, PART_BYTES_MAX, type Pages, type Rejection } from "../network/message.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import type { Difference } from "../storage/page-history.ts"
import { PageTable } from "../storage/page-table.ts"
import { BaseTransfer } from "./base-transfer.ts"
import { ConnectedClient } from "./connected-client.ts"
import { News } from "./page-transfer.ts"

beforeAll(loadChecksum)
afterEach(() => useDeflater(null))

const page = new Uint8Array(PAGE_BYTES)
const outcome = (n: number): Rejection => ({ lsn: lsn(n), uid: `u${n}`, code: "no", data: null })
const outcomesUpTo = (count: number) => Array.from({ length: count }, (_, i) => outcome(i + 1))

function pagesOf(count: number) {
  const table = new PageTable(1)
  table.load(new Array(count).fill(page))
  return table.snapshot()
}

/** The parts sent to a client at cursor 3 that lacks `count` pages of `bytes` each; `asks`: how often it requests a part. */
function transfer(
  options: {
    count?: number
    bytes?: number
    outcomes?: number
    asks?: number
    pageCount?: number
    hasOurEpoch?: boolean
  } = {},
) {
  const { count = 0, bytes = 10, outcomes = 0, asks = 0, pageCount = count, hasOurEpoch = true } = options
  const parts: Pages[] = []
  const pipe = {
    send: (frame: Uint8Array) => void parts.push(decodeMessage(frame) as Pages), // nothing else is sent
    close: () => {},
    listen: () => {},
  }
  const client = new ConnectedClient({ pipe, clientId: "a", rights: { user: null }, hasOurEpoch })
  client.waiting = { type: "sync-storage", cursor: lsn(3), outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 }
  const difference: Difference = {
    before: 5n,
    pageNos: Array.from({ length: count }, (_, i) => i + 1),
    change: (pageNo) => ({ pageNo, deltas: [new Uint8Array(bytes)] }),
  }
  const snapshot = { lsn: lsn(9), checksum: 6n, pages: pagesOf(pageCount) }
  client.startTransfer(new News(client.cursor, snapshot, difference), outcomesUpTo(outcomes))
  for (let i = 0; i < asks; i++) client.sendPart()
  return { parts, client }
}

const sizes = (parts: readonly Pages[]) =>
  parts.map(({ changeset, outcomes }) => [changeset.pages.length, outcomes.length])

describe("a page batch", () => {
  test("of a few pages is one part, with its first and last position", () => {
    const { parts, client } = transfer({ count: 2, outcomes: 1, asks: 2 })
    expect(parts).toMatchObject([
      {
        type: "pages",
        from: 3,
        to: 9,
        isLast: true,
        bytesTotal: 28,
        changeset: { pageCount: 2, isWhole: false, before: 5n, after: 6n },
        outcomes: [outcome(1)],
      },
    ])
    expect(parts[0].changeset.pages.map(({ pageNo }) => pageNo)).toEqual([1, 2])
    expect(client.waiting).toBe(null)
  })

  test("is sent in parts of PART_BYTES_MAX on request, with an estimated total (T23)", () => {
    const bytes = PART_BYTES_MAX / 2 - 4
    const { parts } = transfer({ count: 5, bytes, asks: 5 })
    expect(sizes(parts)).toEqual([
      [2, 0],
      [2, 0],
      [1, 0],
    ])
    expect(parts.map(({ isLast }) => isLast)).toEqual([false, false, true])
    expect(parts.map(({ bytesTotal }) => bytesTotal)).toEqual(new Array(3).fill(5 * (PART_BYTES_MAX / 2)))
    const smaller = transfer({ count: 5, bytes: bytes - 1 })
    expect(sizes(smaller.parts)).toEqual([[3, 0]])
  })

  test("has all outcomes before its last part, though its pages are sent already", () => {
    const { parts } = transfer({ count: 1, outcomes: 2 * OUTCOMES_PER_PART_MAX + 1, asks: 5 })
    expect(sizes(parts)).toEqual([
      [1, OUTCOMES_PER_PART_MAX],
      [0, OUTCOMES_PER_PART_MAX],
      [0, 1],
    ])
    expect(parts.map(({ isLast }) => isLast)).toEqual([false, false, true])
    expect(parts.flatMap(({ outcomes }) => outcomes.map(({ lsn: at }) => Number(at)))).toEqual(
      outcomesUpTo(2 * OUTCOMES_PER_PART_MAX + 1).map(({ lsn: at }) => Number(at)),
    )
  })

  test("leaves out pages that were truncated since, and may have none at all", () => {
    expect(sizes(transfer({ count: 3, pageCount: 2 }).parts)).toEqual([[2, 0]])
    expect(transfer().parts).toMatchObject([{ isLast: true, bytesTotal: 0, changeset: { pages: [] } }])
  })

  test("begins at 0 for a cursor of another epoch; after it the epoch is ours (T2)", () => {
    const { parts, client } = transfer({ count: 1, hasOurEpoch: false })
    expect(parts[0].from).toBe(0)
    expect(client.hasOurEpoch).toBe(true)
  })
})

test("a cursor counts only with our epoch and while a request waits (T2)", () => {
  const pipe = { send: () => {}, close: () => {}, listen: () => {} }
  const waiting = {
    type: "sync-storage",
    cursor: lsn(3),
    outcomesSeen: lsn(0),
    resumeLsn: lsn(0),
    resumePages: 0,
  } as const
  const cursors = [true, false].flatMap((hasOurEpoch) =>
    [waiting, null].map((request) => {
      const client = new ConnectedClient({ pipe, clientId: "a", rights: { user: null }, hasOurEpoch })
      client.waiting = request
      return client.cursor
    }),
  )
  expect(cursors).toEqual([3, 0, 0, 0])
})

test("clients with one cursor get one frame, made once; outcomes and more than a part are a client's own", () => {
  const frames: Uint8Array[][] = [[], [], []]
  let made = 0
  const change = (pageNo: number) => {
    made++
    return { pageNo, deltas: [new Uint8Array(10)] }
  }
  const difference: Difference = { before: 5n, pageNos: [1, 2], change }
  const news = new News(lsn(3), { lsn: lsn(9), checksum: 6n, pages: pagesOf(2) }, difference)
  for (const [i, sent] of frames.entries()) {
    const pipe = { send: (frame: Uint8Array) => void sent.push(frame), close: () => {}, listen: () => {} }
    const client = new ConnectedClient({ pipe, clientId: `c${i}`, rights: { user: null }, hasOurEpoch: true })
    client.waiting = { type: "sync-storage", cursor: lsn(3), outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 }
    client.startTransfer(news, outcomesUpTo(i === 2 ? 1 : 0))
    client.sendPart()
  }
  expect([made, frames.map(({ length }) => length)]).toEqual([4, [1, 1, 1]])
  expect(frames[1][0]).toBe(frames[0][0])
  expect(decodeMessage(frames[0][0])).toMatchObject({ from: 3, to: 9, isLast: true, outcomes: [] })
  expect(decodeMessage(frames[2][0])).toMatchObject({ from: 3, to: 9, isLast: true, outcomes: [{ uid: "u1" }] })
})

describe("a whole base", () => {
  /** A client that gets a base of three chunks, and the parts that it has; `fail` lets the next compression fail. */
  function baseFor() {
    const sent: Uint8Array[] = []
    const ends: string[] = []
    const pipe = {
      send: (frame: Uint8Array) => void sent.push(frame),
      close: (reason: string) => void ends.push(reason),
      listen: () => {},
    }
    const client = new ConnectedClient({ pipe, clientId: "a", rights: { user: null }, hasOurEpoch: false })
    const snapshot = { lsn: lsn(9), checksum: 6n, pages: pagesOf(3) }
    const start = () => client.startBase(new BaseTransfer(snapshot, { from: lsn(0), chunks: [0, 1, 2] }, []))
    const pageNos = () => sent.map((frame) => (decodeMessage(frame) as Chunk).pageNo) // nothing else is sent
    return { client, sent, ends, start, pageNos }
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve))

  test("is sent part by part in order, however many are requested at once", async () => {
    const { client, start, pageNos } = baseFor()
    start()
    expect([client.waiting, client.hasOurEpoch]).toEqual([null, true])
    await Promise.all([client.sendPart(), client.sendPart(), client.sendPart(), client.sendPart()])
    expect([pageNos(), client.sendPart()]).toEqual([[1, 2, 3], undefined])
  })

  test("that is requested again while a part is made begins again, without that part", async () => {
    const { start, pageNos } = baseFor()
    start()
    start()
    await settled()
    expect(pageNos()).toEqual([1])
  })

  test("that cannot be compressed ends the connection, and its client comes back", async () => {
    useDeflater({ deflateAside: () => Promise.reject(new Error("secret")) })
    const { sent, ends, start } = baseFor()
    start()
    await settled()
    const [refusal] = sent.map(decodeMessage)
    expect([refusal, ends]).toEqual([
      { type: "refuse", code: "SERVER_CLOSING", message: "a part of the pages could not be made" },
      ["SERVER_CLOSING"],
    ])
  })
})
