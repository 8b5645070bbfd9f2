import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Streams } from "../journal/streams.ts"
import { type MutationsReply, PUSH_BYTES_MAX, PUSH_ENTRIES_MAX } from "../network/message.ts"
import { defineMutator } from "../timeline/mutator.ts"
import { Timeline } from "../timeline/timeline.ts"
import { PushState } from "./push-state.ts"

beforeAll(loadChecksum)

const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** A timeline of mutations 1 to `count`, all durable, of which the first `dropped` are in the base. */
async function setUp(count: number, { dropped = 0, args = null as unknown } = {}) {
  const mutator = defineMutator({ migrations: [], mutations: [] })
  const streams = new Streams(await new MemoryDisk().open("d"))
  const timeline = new Timeline(streams, { clientId: "a", mutator, user: null })
  for (let n = 1; n <= count; n++) timeline.append({ uid: uidOf(n), name: "Add", args, at: n })
  timeline.drop(lsn(dropped))
  return { timeline, push: new PushState(timeline) }
}

const span = (batch: Batch | null) => batch && [batch.from, batch.from + batch.entries.length]
const batchOf = (from: number, to: number): Batch => ({
  from: lsn(from),
  previousHash: 0n,
  entries: Array.from({ length: to - from }, () => new Uint8Array(1)),
})

describe("what is pushed", () => {
  test("is what the server lacks and what is durable here, and nothing when it has all of it (I1)", async () => {
    const { timeline, push } = await setUp(3, { dropped: 1 })
    expect(span(push.nextBatch(timeline))).toEqual([1, 3])
    push.serverCursor = lsn(2)
    expect(span(push.nextBatch(timeline))).toEqual([2, 3])
    push.serverCursor = lsn(3)
    expect(push.nextBatch(timeline)).toBe(null)
    timeline.append({ uid: uidOf(4), name: "Add", args: null, at: 4 })
    expect(push.nextBatch(timeline)).toBe(null)
    push.flushed({ lsn: lsn(4), start: lsn(1) })
    expect(span(push.nextBatch(timeline))).toEqual([3, 4])
  })

  test("is at most so many mutations and bytes, or fewer where fewer are asked for (T22)", async () => {
    const many = await setUp(PUSH_ENTRIES_MAX + 1)
    expect(span(many.push.nextBatch(many.timeline))).toEqual([0, PUSH_ENTRIES_MAX])
    const large = await setUp(9, { args: new Uint8Array(PUSH_BYTES_MAX / 4) })
    expect(span(large.push.nextBatch(large.timeline))).toEqual([0, 3])
    expect(span(large.push.nextBatch(large.timeline, PUSH_BYTES_MAX * 2))).toEqual([0, 3])
    expect(span(large.push.nextBatch(large.timeline, PUSH_BYTES_MAX / 2))).toEqual([0, 1])
  })

  test("is nothing while the server's copy is known to differ, until that is settled (T1, T2)", async () => {
    const { timeline, push } = await setUp(2)
    push.forkAt = lsn(1)
    expect(push.nextBatch(timeline)).toBe(null)
    push.forgetFork()
    expect(span(push.nextBatch(timeline))).toEqual([0, 2])
    push.isRestored = true
    expect(push.nextBatch(timeline)).toBe(null)
    push.serverCursor = lsn(2)
    push.probe(timeline)
    expect(span(push.nextBatch(timeline))).toEqual([0, 2])
  })
})

describe("what the server answers", () => {
  async function taking(reply: MutationsReply, { dropped = 0 } = {}) {
    const { timeline, push } = await setUp(5, { dropped })
    const { next, fork } = push.take(reply, batchOf(2, 4), timeline)
    return { next, fork, cursor: push.serverCursor }
  }

  test("a cursor at the end of the batch or behind it: the next push follows it", async () => {
    for (const at of [4, 5]) {
      expect(await taking({ type: "cursor", lsn: lsn(at) })).toEqual({ next: "more", fork: null, cursor: 4 })
    }
  })

  test("a cursor inside the batch, or before it: the rest later (I17)", async () => {
    expect(await taking({ type: "cursor", lsn: lsn(3) })).toEqual({ next: "later", fork: null, cursor: 3 })
    expect(await taking({ type: "cursor", lsn: lsn(1) })).toEqual({ next: "later", fork: null, cursor: 2 })
  })

  test("a cursor ahead of our timeline: another client writes under our id (T1)", async () => {
    const fork = { common: 4, refused: [] }
    expect(await taking({ type: "cursor", lsn: lsn(6) })).toEqual({ next: "more", fork, cursor: 4 })
  })

  test("a gap: on from the server's end, or a fork if that is before our first entry (T2, T4)", async () => {
    expect(await taking({ type: "gap", expected: lsn(1) }, { dropped: 1 })).toEqual({
      next: "more",
      fork: null,
      cursor: 1,
    })
    expect(await taking({ type: "gap", expected: lsn(0) }, { dropped: 1 })).toMatchObject({
      next: "more",
      fork: { common: 1, refused: [] },
    })
  })

  test("a fork and a refusal: the common position, and the refused ranges (T1, T38)", async () => {
    const ranges = [{ from: lsn(3), to: lsn(4), code: "MUTATION_FORBIDDEN" }]
    expect(await taking({ type: "fork", common: lsn(3) })).toMatchObject({ fork: { common: 3, refused: [] } })
    expect(await taking({ type: "refused", common: lsn(3), ranges })).toMatchObject({
      fork: { common: 3, refused: ranges },
    })
  })
})

test("what was not refused goes on under a new id, each range to its last mutation (T38)", async () => {
  const { timeline, push } = await setUp(6, { dropped: 1 })
  push.refused = [
    { from: lsn(1), to: lsn(2), code: "FIRST" },
    { from: lsn(3), to: lsn(5), code: "SECOND" },
  ]
  const { rest, refused } = push.divide(timeline)
  expect(rest.map(({ uid }) => uid)).toEqual([uidOf(3), uidOf(6)])
  expect(refused).toEqual([
    { uid: uidOf(2), name: "Add", args: null, at: 2, code: "FIRST", data: null },
    { uid: uidOf(4), name: "Add", args: null, at: 4, code: "SECOND", data: null },
    { uid: uidOf(5), name: "Add", args: null, at: 5, code: "SECOND", data: null },
  ])
})

test("what is durable goes forward only; what was dropped durably is confirmed (I3)", async () => {
  const { timeline, push } = await setUp(4)
  expect(push.confirmed).toBe(0)
  push.flushed({ lsn: lsn(3), start: lsn(2) })
  push.flushed({ lsn: lsn(1), start: lsn(1) })
  expect([push.confirmed, span(push.nextBatch(timeline))]).toEqual([2, [0, 4]])
  push.forkAt = lsn(1)
  push.isRestored = true
  push.renumber()
  expect([push.confirmed, push.serverCursor, push.forkAt, push.refused, push.isRestored]).toEqual([
    0,
    0,
    null,
    [],
    false,
  ])
  expect(push.nextBatch(timeline)).toBe(null)
})

test("a flush and a wake end the wait for something to push", async () => {
  const { push } = await setUp(1)
  push.wake()
  for (const end of [() => push.flushed({ lsn: lsn(1), start: lsn(0) }), () => push.wake()]) {
    const ready = push.ready()
    end()
    await ready
  }
})
