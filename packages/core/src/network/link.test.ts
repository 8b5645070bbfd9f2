import { describe, expect, test } from "vitest"
import { lsn } from "../base/lsn.ts"
import type { PageChange } from "../storage/changeset.ts"
import { helloOf } from "../testing/hello.ts"
import { decodeMessage, encodeMessage } from "./codec.ts"
import { Link, type Progress } from "./link.ts"
import { memoryPipe } from "./memory-network.ts"
import type { Message, Pages } from "./message.ts"

const HELLO = helloOf()
const WELCOME = {
  type: "welcome" as const,
  epoch: "e",
  clientLsn: lsn(0),
  clientHash: 0n,
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
  more: Partial<Omit<Pages, "changeset">> & { pageCount?: number } = {},
): Pages {
  const { pageCount = 9, ...fields } = more
  const pages: PageChange[] = pageNos.map((pageNo) => ({ pageNo, deltas: [Uint8Array.of(2)] }))
  const changeset = { pageCount, isWhole: false, before: null, after: 0n, pages }
  const empty = { from: lsn(0), to: lsn(3), isLast: false, bytesTotal: 100, outcomes: [] }
  return { type: "pages", ...empty, ...fields, changeset }
}

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
    const { from, to, changeset, outcomes } = await batch
    expect([from, to, changeset.pages.map(({ pageNo }) => pageNo), outcomes]).toEqual([0, 3, [1, 2, 5, 9], [outcome]])
    expect(received.map(({ type }) => type)).toEqual(["sync-storage", "next-part", "next-part"])
    expect(progress.map(({ bytes, bytesTotal }) => bytes <= bytesTotal)).toEqual([true, true])
    const next = link.syncStorage(SYNC_STORAGE)
    await say(part([], { isLast: true }))
    expect((await next).changeset.pages).toEqual([])
  })

  test("parts that are no changeset together close the connection (S11)", async () => {
    for (const parts of [
      [part([3]), part([3], { isLast: true })],
      [part([3]), part([2], { isLast: true })],
      [part([3]), part([], { isLast: true, pageCount: 2 })],
      [part([3]), part([4], { isLast: true, pageCount: 10 })],
      [part([])],
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
