import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import type { Pipe } from "../network/network.ts"
import type { Rights } from "../remote/rights.ts"
import { sql } from "../sqlite/sql.ts"
import { helloOf } from "../testing/hello.ts"
import { host, mutator, until } from "../testing/small-world.ts"
import {
  decodeRelay,
  encodeRelay,
  encodeRows,
  encodeValue,
  type FromOwner,
  type RelayedCall,
  type ToOwner,
} from "./relay-message.ts"
import { RelayedDocument } from "./relayed-document.ts"

beforeAll(loadChecksum)

const one = sql<{ n: number }>`select 1 as n`
const turn = () => new Promise((resolve) => setTimeout(resolve, 2))

/** The end without the document alone: what it sends to the owner, who answers as the test says. */
async function setUp({ onLost = undefined as (() => void) | undefined } = {}) {
  const [near, far] = memoryPipe()
  const sent: ToOwner[] = []
  const ends: string[] = []
  far.listen({
    frame: (frame) => void sent.push(decodeRelay(frame) as ToOwner),
    closed: (reason) => void ends.push(reason),
  })
  const answer = (message: FromOwner) => far.send(encodeRelay(message))
  answer({ type: "ready" })
  const document = await RelayedDocument.over({ pipe: near, mutator, host, ...(onLost && { onLost }) })
  const calls = () => sent.filter((message) => message.type === "call")
  /** Waits for a call, and answers it. */
  const reply = async (bytes: Uint8Array): Promise<RelayedCall> => {
    await until(() => calls().length > 0)
    const { call, asked } = calls()[0]
    sent.splice(sent.indexOf(calls()[0]), 1)
    answer({ type: "answer", call, isLast: true, bytes })
    return asked
  }
  return { document, far, sent, ends, answer, calls, reply }
}

function clientOf(document: RelayedDocument, rights: Rights = { user: null }) {
  const frames: Uint8Array[] = []
  const closed: string[] = []
  const pipe: Pipe = {
    send: (frame) => void frames.push(frame),
    close: (code) => void closed.push(code),
    listen: () => {},
  }
  return { client: document.connect({ pipe, hello: { ...helloOf(), token: "secret" }, rights }), frames, closed }
}

describe("a server's end of a relay", () => {
  test("an owner that does not answer in time is none: LOG_OWNED, and nothing was lost", async () => {
    const [near, far] = memoryPipe()
    const ends: string[] = []
    far.listen({ frame: () => {}, closed: (reason) => void ends.push(reason) })
    const waits: number[] = []
    const impatient = {
      ...host,
      after: (ms: number, run: () => void) => {
        waits.push(ms)
        return host.after(0, run)
      },
    }
    const over = RelayedDocument.over({ pipe: near, mutator, host: impatient, onLost: () => ends.push("lost") })
    await expect(over).rejects.toMatchObject({ code: "LOG_OWNED" })
    expect([waits, ends]).toEqual([[1_000], ["SERVER_CLOSING"]])
  })

  test("clients go along as who they are, without their token (S16)", async () => {
    const { document, sent } = await setUp()
    clientOf(document)
    clientOf(document, { user: "ann" })
    clientOf(document, { user: "ben", author: { id: "ben", role: "admin" } })
    await until(() => sent.length === 3)
    expect(sent).toMatchObject([
      { type: "connect", client: 1, user: null, author: null },
      { type: "connect", client: 2, user: "ann", author: { id: "ann" } },
      { type: "connect", client: 3, user: "ben", author: { id: "ben", role: "admin" } },
    ])
    for (const message of sent) if (message.type === "connect") expect(decodeMessage(message.hello)).toEqual(helloOf())
  })

  test("an author goes along with a request when it has changed", async () => {
    const { document, sent } = await setUp()
    const ann = { id: "ann" }
    const rights = { user: "ann", author: ann }
    const { client } = clientOf(document, rights)
    void client.sendPart()
    rights.author = { ...ann, role: "admin" } as typeof ann
    client.watchPresences({ type: "watch-presences", version: 1 })
    void client.sendPart()
    await until(() => sent.length === 4)
    const frame = encodeMessage({ type: "next-part" })
    const request = { type: "request", client: 1, refused: [] }
    expect(sent.slice(1)).toEqual([
      { ...request, author: undefined, frame },
      {
        ...request,
        author: { id: "ann", role: "admin" },
        frame: encodeMessage({ type: "watch-presences", version: 1 }),
      },
      { ...request, author: undefined, frame },
    ])
  })

  test("frames and ends go to the client that they name, and are nothing for others", async () => {
    const { document, answer, sent } = await setUp()
    const { client, frames, closed } = clientOf(document)
    const frame = encodeMessage({ type: "next-part" })
    answer({ type: "frame", clients: [9], kept: 0, frame })
    answer({ type: "closed", client: 9, reason: "SERVER_CLOSING" })
    answer({ type: "frame", clients: [9, 1], kept: 0, frame })
    answer({ type: "closed", client: 1, reason: "DOC_FULL" })
    await until(() => closed.length === 1)
    expect([frames, closed, client.isServed]).toEqual([[frame], ["DOC_FULL"], false])
    client.leave()
    const other = clientOf(document)
    other.client.leave()
    other.client.leave()
    await turn()
    expect(sent.filter(({ type }) => type === "leave")).toEqual([{ type: "leave", client: 2 }])
  })

  test("a frame that is kept goes to others by its number, until the owner forgets it", async () => {
    const { document, answer } = await setUp()
    const [one, two] = [clientOf(document), clientOf(document)]
    const frame = encodeMessage({ type: "next-part" })
    answer({ type: "frame", clients: [1], kept: 7, frame })
    answer({ type: "again", clients: [2, 1], kept: 7 })
    await until(() => one.frames.length === 2)
    expect([one.frames, two.frames]).toEqual([[frame, frame], [frame]])
    answer({ type: "forget", kept: [7] })
    answer({ type: "again", clients: [1], kept: 7 })
    // Two servers that do not agree about it: clients connect again.
    await until(() => one.closed.length === 1)
    expect([one.closed, two.closed]).toEqual([["SERVER_CLOSING"], ["SERVER_CLOSING"]])
  })

  test("calls are the owner's, and so are their failures", async () => {
    const { document, calls, answer, reply } = await setUp()
    const position = document.position()
    expect(await reply(encodeValue(7))).toEqual({ type: "position" })
    expect(await position).toBe(7)
    let isThere = false
    const confirmed = document.confirm().then(() => {
      isThere = true
    })
    await until(() => calls().length === 1)
    expect(isThere).toBe(false)
    await reply(encodeValue(8))
    await confirmed
    const deleted = document.delete()
    expect(await reply(encodeValue(null))).toEqual({ type: "delete" })
    await deleted
    const failing = document.delete()
    await until(() => calls().length === 1)
    answer({ type: "failure", call: 99, code: "DOC_STOPPED", message: "of no call" })
    answer({ type: "failure", call: calls()[0].call, code: "DOC_DELETED", message: "it is gone" })
    await expect(failing).rejects.toMatchObject({ code: "DOC_DELETED", message: expect.stringContaining("it is gone") })
  })

  test("an answer comes in parts, and one that no call waits for is nothing", async () => {
    const { document, answer, calls, ends } = await setUp()
    const rows = Array.from({ length: 100 }, (_, n) => ({ n }))
    const bytes = encodeRows(rows, lsn(5))
    const read = document.readAt(one)
    await until(() => calls().length === 1)
    const { call } = calls()[0]
    answer({ type: "answer", call: 99, isLast: true, bytes })
    answer({ type: "answer", call, isLast: false, bytes: bytes.slice(0, 50) })
    answer({ type: "answer", call, isLast: false, bytes: bytes.slice(50, 60) })
    answer({ type: "answer", call, isLast: true, bytes: bytes.slice(60) })
    expect(await read).toMatchObject({ rows, lsn: 5 })
    expect(ends).toEqual([])
  })

  test("a watch calls once; the owner is asked to stop one that is over, and no other", async () => {
    const { document, answer, calls, reply, sent } = await setUp()
    let changes = 0
    const empty = encodeRows([], lsn(0))
    const plain = document.readAt(one)
    expect(await reply(empty)).toMatchObject({ isWatched: false })
    ;(await plain).stop()
    const watched = document.readAt(one, () => changes++)
    await until(() => calls().length === 1)
    const { call } = calls()[0]
    expect(await reply(empty)).toMatchObject({ isWatched: true })
    const { stop } = await watched
    answer({ type: "changed", call: 99 })
    answer({ type: "changed", call })
    answer({ type: "changed", call })
    await until(() => changes > 0)
    stop()
    await turn()
    expect([changes, sent]).toEqual([1, []])
    const failing = document.readAt(one, () => changes++)
    await until(() => calls().length === 1)
    const last = calls()[0].call
    answer({ type: "failure", call: last, code: "SQL_ERROR", message: "no such table" })
    await expect(failing).rejects.toMatchObject({ code: "SQL_ERROR" })
    await until(() => sent.some(({ type }) => type === "stop"))
    expect(sent.filter(({ type }) => type === "stop")).toEqual([{ type: "stop", call: last }])
  })

  test("what is no message of this version ends it, once", async () => {
    let losses = 0
    const { document, far, ends } = await setUp({ onLost: () => losses++ })
    const { closed, frames } = clientOf(document)
    const call = document.position()
    far.send(Uint8Array.of(1, 2, 3))
    await expect(call).rejects.toMatchObject({ code: "DOC_STOPPED" })
    await document.close("SERVER_CLOSING")
    await until(() => ends.length === 1)
    expect([ends, losses, closed]).toEqual([["SERVER_CLOSING"], 1, ["SERVER_CLOSING"]])
    expect(decodeMessage(frames[0])).toMatchObject({ type: "refuse", code: "SERVER_CLOSING" })
  })

  test("after its end it sends nothing and calls fail", async () => {
    const { document, sent } = await setUp()
    const { client } = clientOf(document)
    await until(() => sent.length === 1)
    await document.close()
    client.leave()
    void client.sendPart()
    await expect(document.position()).rejects.toMatchObject({ code: "DOC_STOPPED" })
    expect(() => clientOf(document)).toThrow("another server")
    await turn()
    expect(sent.length).toBe(1)
  })
})
