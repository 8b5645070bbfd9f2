import { describe, expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import { decodeMessage } from "../network/codec.ts"
import { OUTCOMES_PER_PART_MAX, PART_BYTES_MAX, type Pages, type Rejection } from "../network/message.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import type { Difference } from "../storage/page-history.ts"
import { ConnectedClient } from "./connected-client.ts"

const page = new Uint8Array(PAGE_BYTES)
const outcome = (n: number): Rejection => ({ lsn: lsn(n), uid: `u${n}`, code: "no", data: null })
const outcomesUpTo = (count: number) => Array.from({ length: count }, (_, i) => outcome(i + 1))

/** What a client at cursor 3 hears that lacks so many pages of so many bytes each; `asks`: how often it asks for more. */
function transfer({ count = 0, bytes = 10, outcomes = 0, asks = 0, pageCount = count, hasOurEpoch = true } = {}) {
  const heard: Pages[] = []
  const pipe = {
    send: (frame: Uint8Array) => void heard.push(decodeMessage(frame) as Pages), // nothing else is sent here
    close: () => {},
    listen: () => {},
  }
  const client = new ConnectedClient({ pipe, clientId: "a", user: null, hasOurEpoch })
  client.waiting = { type: "sync-storage", cursor: lsn(3), outcomesSeen: lsn(0) }
  const difference: Difference = {
    isWhole: false,
    before: 5n,
    pageNos: Array.from({ length: count }, (_, i) => i + 1),
    change: (pageNo) => ({ pageNo, deltas: [new Uint8Array(bytes)] }),
  }
  const snapshot = { lsn: lsn(9), checksum: 6n, pages: new Array(pageCount).fill(page) }
  client.startTransfer(snapshot, difference, outcomesUpTo(outcomes))
  for (let i = 0; i < asks; i++) client.sendPart()
  return { heard, client }
}

const sizes = (parts: readonly Pages[]) =>
  parts.map(({ changeset, outcomes }) => [changeset.pages.length, outcomes.length])

describe("a page batch", () => {
  test("of a few pages is one part, which says from where to where it leads", () => {
    const { heard, client } = transfer({ count: 2, outcomes: 1, asks: 2 })
    expect(heard).toMatchObject([
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
    expect(heard[0].changeset.pages.map(({ pageNo }) => pageNo)).toEqual([1, 2])
    expect(client.waiting).toBe(null)
  })

  test("T23 is sent in parts of PART_BYTES_MAX, each when it is asked for, with an estimate of the whole", () => {
    const bytes = PART_BYTES_MAX / 2 - 4
    const { heard } = transfer({ count: 5, bytes, asks: 5 })
    expect(sizes(heard)).toEqual([
      [2, 0],
      [2, 0],
      [1, 0],
    ])
    expect(heard.map(({ isLast }) => isLast)).toEqual([false, false, true])
    expect(heard.map(({ bytesTotal }) => bytesTotal)).toEqual(new Array(3).fill(5 * (PART_BYTES_MAX / 2)))
    const smaller = transfer({ count: 5, bytes: bytes - 1 })
    expect(sizes(smaller.heard)).toEqual([[3, 0]])
  })

  test("brings all outcomes before it is whole, so many per part, though its pages are sent already", () => {
    const { heard } = transfer({ count: 1, outcomes: 2 * OUTCOMES_PER_PART_MAX + 1, asks: 5 })
    expect(sizes(heard)).toEqual([
      [1, OUTCOMES_PER_PART_MAX],
      [0, OUTCOMES_PER_PART_MAX],
      [0, 1],
    ])
    expect(heard.map(({ isLast }) => isLast)).toEqual([false, false, true])
    expect(heard.flatMap(({ outcomes }) => outcomes.map(({ lsn: at }) => Number(at)))).toEqual(
      outcomesUpTo(2 * OUTCOMES_PER_PART_MAX + 1).map(({ lsn: at }) => Number(at)),
    )
  })

  test("leaves out pages that were truncated since, and may have none at all", () => {
    expect(sizes(transfer({ count: 3, pageCount: 2 }).heard)).toEqual([[2, 0]])
    expect(transfer().heard).toMatchObject([{ isLast: true, bytesTotal: 0, changeset: { pages: [] } }])
  })

  test("T2 for a client whose cursor is of another epoch begins at 0; after it the epoch is ours", () => {
    const { heard, client } = transfer({ count: 1, hasOurEpoch: false })
    expect(heard[0].from).toBe(0)
    expect(client.hasOurEpoch).toBe(true)
  })
})

test("T2 a cursor means something with our epoch, and while a request waits", () => {
  const pipe = { send: () => {}, close: () => {}, listen: () => {} }
  const waiting = { type: "sync-storage", cursor: lsn(3), outcomesSeen: lsn(0) } as const
  const cursors = [true, false].flatMap((hasOurEpoch) =>
    [waiting, null].map((request) => {
      const client = new ConnectedClient({ pipe, clientId: "a", user: null, hasOurEpoch })
      client.waiting = request
      return client.cursor
    }),
  )
  expect(cursors).toEqual([3, 0, 0, 0])
})
