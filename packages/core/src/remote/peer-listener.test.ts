import { describe, expect, test } from "vitest"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { FRAME_BYTES_MAX, type Message } from "../network/message.ts"
import { turn } from "../testing/sim-node.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { Peer } from "./peer.ts"
import { peerListener, type SyncMessage } from "./peer-listener.ts"
import type { MayWrite } from "./refused-ranges.ts"

const entry = mutationCodec.encode({ uid: "00000000-0000-4000-8000-000000000000", name: "Add", args: null, at: 1 })
const push = encodeMessage({
  type: "sync-mutations",
  batch: { from: lsn(0), previousHash: 0n, entries: [entry, entry] },
  confirmed: lsn(0),
})
const ask = (cursor: number) => encodeMessage({ type: "sync-storage", cursor: lsn(cursor), outcomesSeen: lsn(0) })

/** A client that is in, and what became of its frames. */
function visit(mayWrite?: MayWrite) {
  const [near, far] = memoryPipe()
  const heard: Message[] = []
  const closed: string[] = []
  const paced: string[] = []
  const queued: SyncMessage[] = []
  let isIn = true
  near.listen({ frame: (frame) => heard.push(decodeMessage(frame)), closed: (reason) => closed.push(reason) })
  const listener = peerListener({
    peer: new Peer({ pipe: far, clientId: "a", user: null, hasOurEpoch: true }),
    mayWrite,
    isMutation: () => true,
    pace: {
      mutations: (count) => void paced.push(`${count} mutations`),
      pages: async () => void paced.push("pages"),
      news: () => void paced.push("news"),
    },
    isIn: () => isIn,
    leave: () => {
      isIn = false
    },
    enqueue: (message) => queued.push(message),
  })
  return { send: listener.frame, heard, closed, paced, queued, leave: listener.closed, isIn: () => isIn }
}

const never: MayWrite = () => new Promise(() => {})

describe("frames that wait behind a slow authorize", () => {
  test("I17 may be 64; one more ends the connection with RATE_LIMITED", async () => {
    const { send, heard, closed, isIn } = visit(never)
    send(push)
    await turn()
    for (let i = 0; i < 64; i++) send(ask(0))
    expect(isIn()).toBe(true)
    send(ask(0))
    expect(isIn()).toBe(false)
    await turn()
    expect(heard).toMatchObject([{ type: "refuse", code: "RATE_LIMITED" }])
    expect(closed).toEqual(["RATE_LIMITED"])
  })

  test("I17 may have two frames' bytes; one byte more ends the connection", async () => {
    const { send, isIn } = visit(never)
    send(push)
    await turn()
    for (let i = 0; i < 2; i++) send(new Uint8Array(FRAME_BYTES_MAX))
    expect(isIn()).toBe(true)
    send(new Uint8Array(1))
    expect(isIn()).toBe(false)
  })

  test("do not keep a ping waiting", async () => {
    const { send, heard } = visit(never)
    send(push)
    send(encodeMessage({ type: "ping" }))
    await turn()
    expect(heard).toEqual([{ type: "pong" }])
  })

  test("are not handled when their connection has ended meanwhile", async () => {
    let allow = (_: boolean) => {}
    const { send, queued, leave } = visit(
      () =>
        new Promise((resolve) => {
          allow = resolve
        }),
    )
    send(push)
    send(ask(0))
    await turn()
    leave("gone")
    allow(true)
    await turn()
    expect(queued.map(({ type }) => type)).toEqual(["sync-mutations"])
    send(ask(0))
    await turn()
    expect(queued).toHaveLength(1)
  })
})

test("I17 what was handled makes room: thousands of frames and many times the bytes pass one after the other", async () => {
  const { send, queued, isIn } = visit(() => true)
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 64; i++) send(push)
    await turn()
  }
  expect([queued.length, isIn()]).toEqual([256, true])
})

test("I17 the bytes of what was handled do not count any more", async () => {
  const entries = Array.from({ length: 4 }, () => new Uint8Array(200 * 1024))
  const large = encodeMessage({
    type: "sync-mutations",
    batch: { from: lsn(0), previousHash: 0n, entries },
    confirmed: lsn(0),
  })
  const { send, queued, isIn } = visit()
  for (let round = 0; round < 6; round++) {
    send(large)
    await turn()
  }
  expect([queued.length, isIn()]).toEqual([6, true])
})

test("S7 a first download is paced as pages, a request for what is newer as news, a push by its mutations", async () => {
  const { send, paced } = visit()
  send(ask(0))
  send(ask(7))
  send(push)
  send(encodeMessage({ type: "next-part" }))
  await turn()
  expect(paced).toEqual(["pages", "news", "2 mutations", "pages"])
})

test("S9 a message that only servers send, and one that does not parse, end the connection with FRAME_MALFORMED", async () => {
  for (const frame of [encodeMessage({ type: "pong" }), new Uint8Array([255])]) {
    const { send, heard, isIn } = visit()
    send(frame)
    await turn()
    expect(heard).toMatchObject([{ type: "refuse", code: "FRAME_MALFORMED" }])
    expect(isIn()).toBe(false)
  }
})

test("S16 what authorize throws stays here: the client hears DOC_STOPPED; an error of ours keeps its code", async () => {
  for (const [thrown, code] of [
    [new Error("password=hunter2"), "DOC_STOPPED"],
    [new LfError("RATE_LIMITED", "too fast"), "RATE_LIMITED"],
  ] as const) {
    const { send, heard } = visit(() => {
      throw thrown
    })
    send(push)
    await turn()
    expect(heard).toMatchObject([{ type: "refuse", code }])
    expect(JSON.stringify(heard)).not.toContain("hunter2")
  }
})
