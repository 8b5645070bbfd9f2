import type { Mutation } from "@lf/core"
import { lsn } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { PendingFeed, type PendingParts } from "./pending-feed.ts"

const mutation = (n: number): Mutation => ({ uid: `u${n}`, name: "Add", args: n, at: n })

/** A timeline whose entries after `start`, up to `end`, are pending; `claimed` come before it. */
function parts(start: number, end: number, { clientId = "a", claimed = [] as number[] } = {}): PendingParts {
  return {
    claimed: claimed.map(mutation),
    range: { clientId, start: lsn(start), lsn: lsn(end) },
    after: (position) => Array.from({ length: end - position }, (_, i) => mutation(position + i + 1)),
  }
}

/** What a tab is sent for each of these, as the numbers of the mutations. */
function sent(...all: readonly PendingParts[]): unknown[] {
  const feed = new PendingFeed()
  return all.map((one) => {
    const change = feed.changeOf(one)
    if (change === null) return null
    return change.type === "all"
      ? { all: change.items.map(({ args }) => args) }
      : { dropped: change.dropped, added: change.added.map(({ args }) => args) }
  })
}

describe("a tab is sent what changed of the pending mutations (H6)", () => {
  test("sends all, then removals from the front and additions at the end, and nothing if unchanged", () => {
    expect(sent(parts(0, 2), parts(0, 2), parts(0, 4), parts(3, 4), parts(4, 4), parts(4, 5))).toEqual([
      { all: [1, 2] },
      null,
      { dropped: 0, added: [3, 4] },
      { dropped: 3, added: [] },
      { dropped: 1, added: [] },
      { dropped: 0, added: [5] },
    ])
  })

  test("mutations that it never had are sent as added, not as removed", () => {
    expect(sent(parts(0, 2), parts(4, 5))).toEqual([{ all: [1, 2] }, { dropped: 2, added: [3, 4, 5] }])
  })

  test("all again under another client id, and when the list begins earlier than before", () => {
    const other = parts(0, 1, { clientId: "b" })
    expect(sent(parts(0, 2), other, parts(1, 2), parts(0, 2))).toEqual([
      { all: [1, 2] },
      { all: [1] },
      { all: [2] },
      { all: [1, 2] },
    ])
  })

  test("all while there are claimed ones, which come first, and once more when they are gone", () => {
    const claiming = parts(0, 1, { claimed: [8, 9] })
    expect(sent(parts(0, 1), claiming, claiming, parts(0, 1), parts(0, 1))).toEqual([
      { all: [1] },
      { all: [8, 9, 1] },
      { all: [8, 9, 1] },
      { all: [1] },
      null,
    ])
  })

  test("nothing is pending before a document is open, and all of it is sent when it is", () => {
    const none: PendingParts = { claimed: [], range: null, after: () => [] }
    expect(sent(none, parts(0, 1), none, parts(0, 1))).toEqual([{ all: [] }, { all: [1] }, { all: [] }, { all: [1] }])
  })

  test("all again when it knows nothing any more, with what a list shows of each", () => {
    const feed = new PendingFeed()
    feed.changeOf(parts(0, 1))
    feed.forget()
    expect(feed.changeOf(parts(0, 1))).toEqual({ type: "all", items: [{ uid: "u1", name: "Add", args: 1, at: 1 }] })
  })
})
