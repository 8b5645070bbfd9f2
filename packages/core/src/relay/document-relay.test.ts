import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { deferred } from "../base/wait.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { type Message, PART_BYTES_MAX, type RefusedRange } from "../network/message.ts"
import type { ConnectOptions } from "../remote/admission.ts"
import type { OnChanged } from "../remote/reads.ts"
import type { ServedDocument } from "../remote/served-document.ts"
import { helloOf } from "../testing/hello.ts"
import { host, until } from "../testing/small-world.ts"
import type { Author } from "../timeline/author.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { DocumentRelay } from "./document-relay.ts"
import { decodeRelay, decodeRows, decodeValue, encodeRelay, type FromOwner, type RelayedCall } from "./relay-message.ts"

beforeAll(loadChecksum)

/** The owner's end alone: a document that notes what it is asked, and what the other server sees. */
function setUp(given: Partial<ServedDocument> & { confirm?: () => Promise<void>; remove?: () => Promise<void> } = {}) {
  const { confirm = async () => {}, remove = async () => void asked.push("remove"), ...document } = given
  const asked: unknown[] = []
  let connected: ConnectOptions | undefined
  const served = {
    isServed: true,
    request: (message: Message, refused: readonly RefusedRange[]) => void asked.push([message.type, refused]),
    sendPart: () => void asked.push("part"),
    setPresence: ({ tab }: { tab: string }) => void asked.push(["presence", tab]),
    watchPresences: ({ version }: { version: number }) => void asked.push(["watch", version]),
    leave: () => void asked.push("leave"),
  }
  const owned: ServedDocument = {
    waitingCount: 0,
    connect(options) {
      connected = options
      return served
    },
    isMutation: (name) => name === "Add",
    position: async () => lsn(7),
    readAt: async () => ({ rows: [], lsn: lsn(7), stop: () => void asked.push("stopped") }),
    mutate: async () => ({ type: "applied", lsn: lsn(8) }) as never,
    close: async () => {},
    ...document,
  }
  const [near, far] = memoryPipe()
  const sent: FromOwner[] = []
  const ends: string[] = []
  near.listen({
    frame: (frame) => void sent.push(decodeRelay(frame) as FromOwner),
    closed: (reason) => void ends.push(reason),
  })
  const relay = new DocumentRelay({ host, owned, pipe: far, confirm, remove, onEnd: () => void ends.push("over") })
  const connect = (client = 1, author: Author = null) =>
    near.send(encodeRelay({ type: "connect", client, hello: encodeMessage(helloOf()), author, user: null }))
  const request = (
    message: Message,
    { client = 1, author, refused = [] }: { client?: number; author?: Author; refused?: RefusedRange[] } = {},
  ) => near.send(encodeRelay({ type: "request", client, author, refused, frame: encodeMessage(message) }))
  const call = (asked: RelayedCall, call = 1) => near.send(encodeRelay({ type: "call", call, asked }))
  const of = <Type extends FromOwner["type"]>(type: Type) =>
    sent.filter((one): one is Extract<FromOwner, { type: Type }> => one.type === type)
  return { relay, near, asked, sent, ends, connect, request, call, of, rights: () => connected?.rights }
}

const read: RelayedCall = { type: "read", sql: "select 1", parameters: [], isWatched: true }
const storage = {
  type: "sync-storage",
  cursor: lsn(0),
  outcomesSeen: lsn(0),
  resumeLsn: lsn(0),
  resumePages: 0,
} as const

function pushOf(...names: string[]) {
  const entries = names.map((name) => mutationCodec.encode({ uid: crypto.randomUUID(), name, args: {}, at: 1 }))
  return { type: "sync-mutations", batch: { from: lsn(0), previousHash: 0n, entries }, confirmed: lsn(0) } as const
}

const rangeOf = (from: number, to: number, code: RefusedRange["code"]): RefusedRange => ({
  from: lsn(from),
  to: lsn(to),
  code,
})

describe("an owner's end of a relay", () => {
  test("gives each request to its client, in order, and ends for what is no request", async () => {
    const { asked, ends, connect, request } = setUp()
    connect()
    request(storage)
    request({ type: "next-part" })
    request({ type: "presence", tab: "t", value: new Uint8Array(0) })
    request({ type: "watch-presences", version: 3 })
    request(pushOf("Add"))
    await until(() => asked.length === 5)
    expect(asked).toEqual([["sync-storage", []], "part", ["presence", "t"], ["watch", 3], ["sync-mutations", []]])
    request({ type: "ping" })
    await until(() => ends.length === 2)
    expect([asked.at(-1), ends.toSorted()]).toEqual(["leave", ["SERVER_CLOSING", "over"]])
  })

  test("knows no client that has not connected or has left", async () => {
    const { near, asked, connect, request, ends } = setUp()
    request(storage)
    near.send(encodeRelay({ type: "leave", client: 1 }))
    connect()
    near.send(encodeRelay({ type: "leave", client: 1 }))
    near.send(encodeRelay({ type: "leave", client: 1 }))
    request(storage)
    connect(2)
    request(storage, { client: 2 })
    await until(() => asked.length >= 2)
    expect([asked, ends]).toEqual([["leave", ["sync-storage", []]], []])
  })

  test("knows the newest author of its clients", async () => {
    const { connect, request, rights, asked } = setUp()
    connect(1, { id: "ann" })
    request(storage)
    await until(() => asked.length === 1)
    expect(rights()?.author).toEqual({ id: "ann" })
    request(storage, { author: { id: "ann", role: "admin" } })
    await until(() => asked.length === 2)
    expect(rights()?.author).toEqual({ id: "ann", role: "admin" })
    request(storage)
    await until(() => asked.length === 3)
    expect(rights()?.author).toEqual({ id: "ann", role: "admin" })
  })

  test("takes a batch whose refusals are its own, whatever a user may not write besides", async () => {
    const { asked, connect, request } = setUp()
    connect()
    const refused = [rangeOf(0, 1, "MUTATION_FORBIDDEN"), rangeOf(1, 2, "MUTATION_UNKNOWN")]
    request(pushOf("Add", "Other", "Add"), { refused })
    await until(() => asked.length === 1)
    expect(asked).toEqual([["sync-mutations", refused]])
  })

  test.each([
    ["ends later", [rangeOf(1, 3, "MUTATION_UNKNOWN")]],
    ["begins earlier", [rangeOf(0, 2, "MUTATION_UNKNOWN")]],
    ["is missing", []],
    ["is one of two", [rangeOf(1, 2, "MUTATION_UNKNOWN"), rangeOf(2, 3, "MUTATION_UNKNOWN")]],
  ])("closes a client where a refusal %s", async (_, refused) => {
    const { asked, connect, request, of } = setUp()
    connect()
    request(pushOf("Add", "Other", "Add"), { refused })
    request(storage)
    await until(() => of("closed").length === 1)
    expect([asked, of("closed")]).toEqual([["leave"], [{ type: "closed", client: 1, reason: "SERVER_OLDER" }]])
  })

  test("answers calls, in parts where they are long", async () => {
    const long = "x".repeat(PART_BYTES_MAX)
    const { asked, call, of } = setUp({
      readAt: async () => ({ rows: [{ long }] as never[], lsn: lsn(9), stop: () => {} }),
    })
    call({ type: "position" }, 1)
    await until(() => of("answer").length === 1)
    expect(decodeValue(of("answer")[0].bytes)).toBe(7)
    call({ type: "delete" }, 2)
    await until(() => of("answer").length === 2)
    expect([asked, decodeValue(of("answer")[1].bytes)]).toEqual([["remove"], null])
    call(read, 3)
    await until(() => of("answer").length === 4)
    const parts = of("answer").slice(2)
    expect(parts.map(({ call, isLast, bytes }) => [call, isLast, bytes.length === PART_BYTES_MAX])).toEqual([
      [3, false, true],
      [3, true, false],
    ])
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part.bytes]))
    expect(decodeRows(bytes)).toEqual({ rows: [{ long }], lsn: 9 })
  })

  test("says why a call failed, but no other error's words (S16)", async () => {
    const thrown: unknown[] = [new LfError("SQL_ERROR", "no such table"), new Error("the password is 123")]
    const position = async (): Promise<Lsn> => {
      throw thrown.shift()
    }
    const { call, of } = setUp({ position })
    call({ type: "position" }, 1)
    call({ type: "position" }, 2)
    await until(() => of("failure").length === 2)
    expect(of("failure")).toMatchObject([
      { call: 1, code: "SQL_ERROR", message: "no such table" },
      { call: 2, code: "DOC_STOPPED", message: expect.not.stringContaining("password") },
    ])
  })

  test("a client that the document cannot take is refused, with no other error's words (S16)", async () => {
    const { connect, of } = setUp({
      connect: () => {
        throw new Error("the password is 123")
      },
    })
    connect()
    await until(() => of("closed").length === 1)
    expect(decodeMessage(of("frame")[0].frame)).toMatchObject({ type: "refuse", code: "DOC_STOPPED" })
    expect(of("closed")).toEqual([{ type: "closed", client: 1, reason: "DOC_STOPPED" }])
  })

  test("a watch is stopped when it is asked to, and says once that rows have changed", async () => {
    const changes: (OnChanged | undefined)[] = []
    const { near, asked, call, of, ends } = setUp({
      readAt: async (_, onChanged) => {
        changes.push(onChanged)
        return { rows: [], lsn: lsn(7), stop: () => void asked.push("stopped") }
      },
    })
    call(read, 1)
    call({ ...read, isWatched: false }, 2)
    call(read, 3)
    await until(() => of("answer").length === 3)
    expect(changes.map((one) => one === undefined)).toEqual([false, true, false])
    near.send(encodeRelay({ type: "stop", call: 1 }))
    near.send(encodeRelay({ type: "stop", call: 1 }))
    near.send(encodeRelay({ type: "stop", call: 2 }))
    await until(() => asked.length === 1)
    changes[2]?.()
    await until(() => of("changed").length === 1)
    expect(of("changed")).toEqual([{ type: "changed", call: 3 }])
    near.close("cut")
    await until(() => ends.includes("over"))
    // The first was stopped, the second had no watch, and the third's is over.
    expect(asked).toEqual(["stopped"])
  })

  test("its end stops the watches, those too of reads that are under way", async () => {
    const late = deferred<void>()
    let reads = 0
    const { near, asked, call, of, sent } = setUp({
      readAt: async () => {
        if (++reads === 2) await late.promise
        return { rows: [], lsn: lsn(7), stop: () => void asked.push("stopped") }
      },
    })
    call(read, 1)
    await until(() => of("answer").length === 1)
    call(read, 2)
    await until(() => reads === 2)
    near.close("cut")
    await until(() => asked.length === 1)
    late.resolve()
    await until(() => asked.length === 2)
    expect([asked, sent.length]).toEqual([["stopped", "stopped"], 2])
  })

  test("a close waits for the calls under way, then says SERVER_CLOSING", async () => {
    const late = deferred<Lsn>()
    let isAsked = false
    const { relay, call, of, ends } = setUp({
      position: () => {
        isAsked = true
        return late.promise
      },
    })
    call({ type: "position" })
    await until(() => isAsked)
    const closing = relay.close()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(ends).toEqual([])
    late.resolve(lsn(7))
    await closing
    await until(() => ends.length === 2)
    expect([of("answer").length, ends.toSorted()]).toEqual([1, ["SERVER_CLOSING", "over"]])
  })

  test("what arrives while it confirms that it is the owner, and what comes after the end, is not served", async () => {
    const confirmed = deferred<void>()
    let asks = 0
    const { near, connect, request, asked, ends, rights } = setUp({
      confirm: () => {
        asks++
        return confirmed.promise
      },
    })
    connect()
    request(storage)
    connect(2)
    await until(() => asks === 1)
    near.close("cut")
    await until(() => ends.includes("over"))
    confirmed.resolve()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([asks, asked, rights()]).toEqual([1, [], undefined])
  })
})
