import { beforeAll, describe, expect, test } from "vitest"
import { assert } from "../base/assert.ts"
import { loadChecksum } from "../base/checksum.ts"
import { deflate, useDeflater } from "../base/deflate.ts"
import { lsn } from "../base/lsn.ts"
import { pagesChecksum } from "../journal/log-header.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import type { PageChange } from "../storage/changeset.ts"
import { helloOf } from "../testing/hello.ts"
import { decodeMessage, encodeMessage } from "./codec.ts"
import { FirstSync, type Progress } from "./first-sync.ts"
import { Link, type PageBatch } from "./link.ts"
import { memoryPipe } from "./memory-network.ts"
import type { Chunk, Message, Pages } from "./message.ts"

beforeAll(loadChecksum)

const PAGE = new Uint8Array(PAGE_BYTES)
const HELLO = helloOf()
const WELCOME = {
  type: "welcome" as const,
  epoch: "e",
  clientLsn: lsn(0),
  clientHash: 0n,
  checksum: 0n,
  lsn: lsn(3),
  schema: [],
  user: null,
}
const SYNC_STORAGE = {
  type: "sync-storage" as const,
  cursor: lsn(0),
  outcomesSeen: lsn(0),
  resumeLsn: lsn(0),
  resumePages: 0,
}
const SYNC_MUTATIONS = {
  type: "sync-mutations" as const,
  batch: { from: lsn(0), previousHash: 0n, entries: [] },
  confirmed: lsn(0),
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

/** A link, what its server receives, and how the server sends. */
function connected() {
  const [near, far] = memoryPipe()
  const received: Message[] = []
  const progress: Progress[] = []
  let closedBecause: string | null = null
  far.listen({
    frame: (frame) => received.push(decodeMessage(frame)),
    closed: (reason) => {
      closedBecause = reason
    },
  })
  const link = new Link(near, (now) => progress.push(now))
  const say = async (...messages: Message[]) => {
    for (const message of messages) far.send(encodeMessage(message))
    await settled()
  }
  return { link, far, received, progress, say, closedBecause: () => closedBecause }
}

function part(
  pageNos: readonly number[],
  more: Partial<Omit<Pages, "changeset">> & { pageCount?: number; isWhole?: boolean } = {},
): Pages {
  const { pageCount = 9, isWhole = false, ...fields } = more
  const pages: PageChange[] = pageNos.map((pageNo) => ({ pageNo, deltas: [Uint8Array.of(2)] }))
  const changeset = { pageCount, isWhole, before: null, after: 0n, pages }
  const empty = { from: lsn(0), to: lsn(3), isLast: false, bytesTotal: 100, outcomes: [] }
  return { type: "pages", ...empty, ...fields, changeset }
}

async function changesOf(batch: Promise<PageBatch>) {
  const answer = await batch
  assert(answer.type === "changes", "no base was sent")
  return answer
}

/** A page of a document of `pageCount` pages, all of them alike. */
function chunk(pageNo: number, more: Partial<Chunk> = {}): Chunk {
  const pageCount = 9
  const all = new Array(pageCount).fill(PAGE)
  return {
    ...{ type: "chunk", from: lsn(0), to: lsn(3), pageCount, checksum: pagesChecksum(all), pageNo, count: 1 },
    ...{ isLast: pageNo === pageCount, bytesTotal: 1_000, block: deflate(PAGE), outcomes: [] },
    ...more,
  }
}

describe("a base in chunks", () => {
  const outcome = { lsn: lsn(1), uid: "u", code: "c", data: null }

  test("is requested ahead, but no more parts than there are, and reported as progress (T23)", async () => {
    const { link, say, received, progress } = connected()
    const requests = () => received.filter(({ type }) => type === "next-part").length
    const batch = link.syncStorage(SYNC_STORAGE)
    const counts: number[] = []
    for (let pageNo = 1; pageNo <= 9; pageNo++) {
      await say(chunk(pageNo, pageNo > 8 ? { outcomes: [outcome] } : {}))
      counts.push(requests())
    }
    expect(counts).toEqual([3, 4, 5, 6, 7, 8, 8, 8, 8])
    const answer = await batch
    assert(answer.type === "base", "all pages were sent")
    const { table, pageCount, checksum } = answer.base
    expect([answer.to, answer.outcomes, table.pageCount, table.checksum]).toEqual([3, [outcome], pageCount, checksum])
    expect(progress).toHaveLength(8)
    expect(progress.every(({ bytes }, i) => bytes > (progress[i - 1]?.bytes ?? 0))).toBe(true)
    expect(progress[0].bytesTotal).toBe(1_000)
  })

  test("asks for outcomes that come after the last pages, one part after the other", async () => {
    const { link, say, received } = connected()
    const batch = link.syncStorage(SYNC_STORAGE)
    const none = { pageNo: 0, count: 0, block: new Uint8Array(0), outcomes: [outcome] }
    await say(chunk(1, { count: 9, block: deflate(new Uint8Array(9 * PAGE_BYTES)) }))
    await say(chunk(1, { ...none, isLast: false }), chunk(1, { ...none, isLast: true }))
    expect((await batch).outcomes).toEqual([outcome, outcome])
    expect(received.map(({ type }) => type)).toEqual(["sync-storage", "next-part", "next-part"])
  })

  test("is kept for the next connection when this one ends", async () => {
    const sync = new FirstSync()
    sync.begin("e")
    const first = connected()
    const cut = expect(first.link.syncStorage(SYNC_STORAGE, sync)).rejects.toMatchObject({ code: "SERVER_CLOSING" })
    await first.say(chunk(1), chunk(2))
    first.far.close("cut")
    await cut
    expect(sync.begin("e")).toEqual({ resumeLsn: 3, resumePages: 2 })
    const second = connected()
    const batch = second.link.syncStorage(SYNC_STORAGE, sync)
    for (let pageNo = 3; pageNo <= 9; pageNo++) await second.say(chunk(pageNo, { from: lsn(3) }))
    expect((await batch).type).toBe("base")
    expect(second.progress[0].bytes).toBeGreaterThan(first.progress[1].bytes)
  })

  test("of an ended connection adds nothing to the next one", async () => {
    const sync = new FirstSync()
    sync.begin("e")
    const { link, far } = connected()
    const cut = expect(link.syncStorage(SYNC_STORAGE, sync)).rejects.toMatchObject({ code: "SERVER_CLOSING" })
    let inflate: () => void = () => {}
    useDeflater({
      inflateAside: async () => {
        await new Promise<void>((resolve) => (inflate = resolve))
        return PAGE.slice()
      },
    })
    for (const pageNo of [1, 2]) far.send(encodeMessage(chunk(pageNo)))
    far.close("cut")
    await cut
    sync.begin("e")
    inflate()
    await settled()
    useDeflater(null)
    expect(sync.begin("e")).toEqual({ resumeLsn: 0, resumePages: 0 })
  })

  test("without a request, or twice at its end, changes nothing", async () => {
    const { link, say } = connected()
    await say(chunk(1))
    const batch = link.syncStorage(SYNC_STORAGE)
    const last = chunk(1, { pageCount: 1, checksum: pagesChecksum([PAGE]), isLast: true })
    await say(last, last)
    expect([(await batch).type, link.isOpen]).toEqual(["base", true])
  })

  test("that is malformed closes the connection with its code (S11)", async () => {
    for (const [wrong, code] of [
      [chunk(2), "FRAME_MALFORMED"],
      [chunk(1, { block: Uint8Array.of(255) }), "BYTES_MALFORMED"],
    ] as const) {
      const { link, say, closedBecause } = connected()
      const refused = expect(link.syncStorage(SYNC_STORAGE)).rejects.toMatchObject({ code })
      await say(wrong)
      await refused
      expect(closedBecause()).toBe(code)
    }
  })

  test("faster than it was requested is refused before it fills the memory (I17)", async () => {
    const { link, say, closedBecause } = connected()
    const refused = expect(link.syncStorage(SYNC_STORAGE)).rejects.toMatchObject({ code: "FRAME_MALFORMED" })
    useDeflater({ inflateAside: () => new Promise(() => {}) })
    await say(...Array.from({ length: 9 }, (_, i) => chunk(i + 1)))
    useDeflater(null)
    await refused
    expect(closedBecause()).toBe("FRAME_MALFORMED")
  })
})

describe("link", () => {
  test("each reply settles the request that it is for", async () => {
    const { link, say, received } = connected()
    const welcome = link.hello(HELLO)
    await say(WELCOME)
    expect(await welcome).toEqual(WELCOME)
    for (const reply of [
      { type: "cursor" as const, lsn: lsn(1) },
      { type: "gap" as const, expected: lsn(2) },
      { type: "fork" as const, common: lsn(3) },
    ]) {
      const answer = link.syncMutations(SYNC_MUTATIONS)
      await say(reply)
      expect(await answer).toEqual(reply)
    }
    link.ping()
    await say({ type: "pong" })
    expect(received.map(({ type }) => type)).toEqual(["hello", ...Array(3).fill("sync-mutations"), "ping"])
    expect(link.receivedCount).toBe(5)
  })

  test("replies without a request change nothing", async () => {
    const { link, say } = connected()
    await say(WELCOME, { type: "cursor", lsn: lsn(1) }, part([1], { isLast: true }))
    expect(link.isOpen).toBe(true)
  })

  test("parts are asked for one by one, reported as progress, and become one batch (T23)", async () => {
    const { link, say, received, progress } = connected()
    const batch = link.syncStorage(SYNC_STORAGE)
    const outcome = { lsn: lsn(1), uid: "u", code: "c", data: null }
    await say(part([1, 2]), part([5], { bytesTotal: 0 }), part([9], { isLast: true, outcomes: [outcome] }))
    const { from, to, changeset, outcomes } = await changesOf(batch)
    expect([from, to, changeset.pages.map(({ pageNo }) => pageNo), outcomes]).toEqual([0, 3, [1, 2, 5, 9], [outcome]])
    expect(received.map(({ type }) => type)).toEqual(["sync-storage", "next-part", "next-part"])
    expect(progress.map(({ bytes, bytesTotal }) => bytes <= bytesTotal)).toEqual([true, true])
    const next = link.syncStorage(SYNC_STORAGE)
    await say(part([], { isLast: true }))
    expect((await changesOf(next)).changeset.pages).toEqual([])
  })

  test("parts that are no changeset together close the connection (S11)", async () => {
    for (const parts of [
      [part([3]), part([3], { isLast: true })],
      [part([3]), part([2], { isLast: true })],
      [part([3]), part([], { isLast: true, pageCount: 2 })],
      [part([3]), part([4], { isLast: true, pageCount: 10 })],
      [part([])],
      [part([1], { isWhole: true, isLast: true })],
    ]) {
      const { link, say, closedBecause } = connected()
      const batch = link.syncStorage(SYNC_STORAGE)
      const refused = expect(batch).rejects.toMatchObject({ code: "FRAME_MALFORMED" })
      await say(...parts)
      await refused
      expect(closedBecause()).toBe("FRAME_MALFORMED")
    }
  })

  test("a client's message or no message from the server closes the connection (S15)", async () => {
    for (const frame of [encodeMessage({ type: "ping" }), Uint8Array.of(1, 2, 3)]) {
      const { link, far } = connected()
      far.send(frame)
      far.send(encodeMessage(WELCOME))
      expect(await link.closed).toMatchObject({ code: "FRAME_MALFORMED" })
      expect([link.isOpen, link.receivedCount]).toEqual([false, 1])
    }
  })

  test("a refusal, or the end of the pipe, rejects what waits and what is asked afterwards", async () => {
    const refused = connected()
    const welcome = refused.link.hello(HELLO)
    const rejected = expect(welcome).rejects.toMatchObject({ code: "FORBIDDEN", message: "no" })
    await refused.say({ type: "refuse", code: "FORBIDDEN", message: "no" })
    await rejected
    await expect(refused.link.hello(HELLO)).rejects.toMatchObject({ code: "FORBIDDEN" })
    refused.link.ping()
    expect(refused.received.map(({ type }) => type)).toEqual(["hello"])

    const gone = connected()
    const batch = gone.link.syncStorage(SYNC_STORAGE)
    const lost = expect(batch).rejects.toMatchObject({ code: "SERVER_CLOSING" })
    gone.far.close("away")
    await lost
    gone.link.close("done")
    expect((await gone.link.closed).message).toBe("away")
  })
})

describe("presences", () => {
  test("are sent as long as the link is open, and asked for once at a time", async () => {
    const { link, received, say } = connected()
    link.sendPresence("t", Uint8Array.of(1))
    const news = link.watchPresences(3)
    await settled()
    expect(received).toEqual([
      { type: "presence", tab: "t", value: Uint8Array.of(1) },
      { type: "watch-presences", version: 3 },
    ])
    const answer = { type: "presences" as const, version: 4, isAll: false, changed: [], gone: ["a/t"] }
    // The second was not asked for.
    await say(answer, { ...answer, version: 5 })
    expect(await news).toEqual(answer)
    const last = link.watchPresences(4)
    link.close("over")
    await expect(last).rejects.toMatchObject({ code: "SERVER_CLOSING" })
    link.sendPresence("t", Uint8Array.of(2))
    await settled()
    expect(received).toHaveLength(3)
  })
})
