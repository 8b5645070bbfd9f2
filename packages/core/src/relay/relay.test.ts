import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import type { Message } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { Remote } from "../remote/remote.ts"
import { sql } from "../sqlite/sql.ts"
import { helloOf } from "../testing/hello.ts"
import { turn } from "../testing/sim-node.ts"
import { Add, host, loadSqlite, mutator, until, World } from "../testing/small-world.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutator, type Mutator } from "../timeline/mutator.ts"
import { DocumentRelay } from "./document-relay.ts"
import { decodeRelay, encodeRelay, RELAY_VERSION, type RelayMessage } from "./relay-message.ts"
import { RelayedDocument } from "./relayed-document.ts"

beforeAll(loadChecksum)

const titles = sql<{ title: string }>`select title from todos order by id`
const older = defineMutator({
  migrations: [
    sql`create table todos (id text primary key, title text not null, done integer not null default 0, at integer) strict`,
  ],
  mutations: [Add],
})

interface Options {
  readonly confirm?: () => Promise<void>
  /** The release of the server that relays. */
  readonly release?: Mutator
}

/** An owner, and a server that relays to it. */
async function setUp({ confirm = async () => {}, release = mutator }: Options = {}) {
  const owner = await new World().startServer()
  const [near, far] = memoryPipe()
  const ends: string[] = []
  const remove = async () => void ends.push("removed")
  const relay = new DocumentRelay({ host, owned: owner, pipe: far, confirm, remove, onEnd: () => ends.push("ended") })
  const onLost = () => void ends.push("lost")
  const document = await RelayedDocument.over({ pipe: near, mutator: release, host, onLost })
  /** Another link to the same owner. */
  const again = async () => {
    const [pipe, end] = memoryPipe()
    new DocumentRelay({ host, owned: owner, pipe: end, confirm, remove, onEnd: () => {} })
    return await RelayedDocument.over({ pipe, mutator: release, host })
  }
  return { owner, relay, document, pipe: near, ends, again }
}

/** A client's pipe that notes what it is sent. */
function clientOf(document: RelayedDocument, options: { user?: string | null; secret?: Uint8Array } = {}) {
  const sent: Message[] = []
  const closed: string[] = []
  const pipe: Pipe = {
    send: (frame) => void sent.push(decodeMessage(frame)),
    close: (code) => void closed.push(code),
    listen: () => {},
  }
  const hello = {
    ...helloOf({ docId: "d" }),
    token: "a secret token",
    ...(options.secret && { secret: options.secret }),
  }
  const client = document.connect({ pipe, hello, rights: { user: options.user ?? null } })
  return { client, sent, closed }
}

function pushOf(name: string) {
  const entry = mutationCodec.encode({ uid: crypto.randomUUID(), name, args: { id: "1", title: "one" }, at: 1 })
  return {
    type: "sync-mutations",
    batch: { from: lsn(0), previousHash: 0n, entries: [entry] },
    confirmed: lsn(0),
  } as const
}

describe("a relayed document", () => {
  test("gives a client its welcome, its answers and its pages, until it leaves", async () => {
    const { owner, document } = await setUp()
    const { client, sent } = clientOf(document)
    client.request(pushOf("Add"), [])
    client.request(
      { type: "sync-storage", cursor: lsn(0), outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 },
      [],
    )
    await until(() => sent.some(({ type }) => type === "chunk"))
    expect(sent.map(({ type }) => type)).toEqual(["welcome", "cursor", "chunk"])
    expect(owner.connectedCount).toBe(1)
    client.leave()
    expect(client.isServed).toBe(false)
    await until(() => owner.connectedCount === 0)
  })

  test("sends no token to another server", async () => {
    const owner = await new World().startServer()
    const [near, far] = memoryPipe()
    const frames: string[] = []
    far.listen({ frame: (frame) => void frames.push(String.fromCharCode(...frame)), closed: () => {} })
    far.send(encodeRelay({ type: "ready" }))
    const document = await RelayedDocument.over({ pipe: near, mutator, host })
    clientOf(document)
    await until(() => frames.length === 1)
    expect(frames[0]).not.toContain("secret")
    await owner.close()
  })

  test("a client that the owner refuses gets the refusal, and is not served (S4)", async () => {
    const { document } = await setUp()
    const secret = new Uint8Array(32).fill(7)
    const ann = clientOf(document, { user: "ann", secret })
    ann.client.request(pushOf("Add"), [])
    await until(() => ann.sent.length === 2)
    const ben = clientOf(document, { user: "ben", secret })
    await until(() => ben.closed.length === 1)
    expect(ben.sent).toMatchObject([{ type: "refuse", code: "CLIENT_PROOF" }])
    expect([ben.client.isServed, ann.client.isServed]).toEqual([false, true])
  })

  test("an owner that is no owner any more shows nothing: the pipe ends, and clients come again (I8)", async () => {
    let isOwner = true
    const confirm = async () => {
      if (!isOwner) throw new LfError("LOG_DEPOSED", "another owner took over")
    }
    const { document, ends } = await setUp({ confirm })
    expect((await document.readAt(titles)).rows).toEqual([])
    isOwner = false
    const { sent, closed } = clientOf(document)
    await expect(document.readAt(titles)).rejects.toMatchObject({ code: "DOC_STOPPED" })
    expect([sent.map(({ type }) => type), closed]).toEqual([["refuse"], ["SERVER_CLOSING"]])
    expect(ends).toEqual(["ended", "lost"])
    expect(() => clientOf(document)).toThrow("another server")
  })

  test("frames keep their order behind a connection that waits for the owner's confirmation", async () => {
    const { document } = await setUp({ confirm: () => new Promise((resolve) => setTimeout(resolve, 20)) })
    const { client, sent } = clientOf(document)
    client.request(pushOf("Add"), [])
    await until(() => sent.length === 2)
    expect(sent).toMatchObject([{ type: "welcome" }, { type: "cursor", lsn: 1 }])
  })

  test("what only one of the two knows is not refused: the client waits until they run one release", async () => {
    for (const [owns, relays] of [
      [mutator, older],
      [older, mutator],
    ]) {
      const world = new World(owns)
      const owner = await world.startServer()
      const [near, far] = memoryPipe()
      new DocumentRelay({
        host,
        owned: owner,
        pipe: far,
        confirm: async () => {},
        remove: async () => {},
        onEnd: () => {},
      })
      const document = await RelayedDocument.over({ pipe: near, mutator: relays, host })
      const { client, sent, closed } = clientOf(document)
      const refused = document.isMutation("Toggle")
        ? []
        : [{ from: lsn(0), to: lsn(1), code: "MUTATION_UNKNOWN" as const }]
      client.request(pushOf("Toggle"), refused)
      await until(() => closed.length === 1)
      expect([sent.map(({ type }) => type), closed, client.isServed]).toEqual([
        ["welcome", "refuse"],
        ["SERVER_OLDER"],
        false,
      ])
    }
  })

  test("what both refuse is refused", async () => {
    const { document } = await setUp({ release: older })
    const { client, sent } = clientOf(document)
    client.request(pushOf("Unknown"), [{ from: lsn(0), to: lsn(1), code: "MUTATION_UNKNOWN" }])
    await until(() => sent.length === 2)
    expect(sent[1]).toMatchObject({ type: "refused", ranges: [{ code: "MUTATION_UNKNOWN" }] })
  })

  test("an owner's end ends clients and calls; a mutation's fate is unknown then", async () => {
    const { document, relay, pipe, ends } = await setUp()
    const { closed, sent } = clientOf(document)
    await until(() => sent.length === 1)
    pipe.close("cut")
    await expect(document.mutate("Add", { id: "1", title: "one" }, null)).rejects.toMatchObject({ code: "DOC_STOPPED" })
    await turn()
    expect(closed).toEqual(["SERVER_CLOSING"])
    expect(ends.toSorted()).toEqual(["ended", "lost"])
    await relay.close()
  })

  test("a mutation that lost its answer is called again through another link, and runs once (T28)", async () => {
    const { owner, document, pipe, again } = await setUp()
    const uid = "00000000-0000-7000-8000-000000000001"
    const first = document.mutate("Add", { id: "1", title: "one" }, null, uid)
    pipe.close("cut")
    await expect(first).rejects.toMatchObject({ code: "DOC_STOPPED" })
    const next = await again()
    expect(await next.mutate("Add", { id: "1", title: "one" }, null, uid)).toMatchObject({ type: "applied" })
    expect(owner.query(titles)).toEqual([{ title: "one" }])
  })

  test("an owner that closes answers the calls under way first", async () => {
    const { owner, document, relay } = await setUp()
    const outcome = document.mutate("Add", { id: "1", title: "one" }, { id: "ann" })
    await turn()
    await relay.close()
    expect(await outcome).toMatchObject({ type: "applied" })
    expect(owner.query(titles)).toEqual([{ title: "one" }])
  })

  test("a watched read calls once, also when the owner is lost", async () => {
    const { owner, document, pipe } = await setUp()
    let changes = 0
    await document.readAt(titles, () => changes++)
    await owner.mutate("Add", { id: "1", title: "one" }, null)
    await until(() => changes === 1)
    await document.readAt(titles, () => changes++)
    pipe.close("cut")
    await until(() => changes === 2)
  })

  test("without an owner's answer there is none (LOG_OWNED)", async () => {
    const [near, far] = memoryPipe()
    far.close("it is not open here")
    await expect(RelayedDocument.over({ pipe: near, mutator, host })).rejects.toMatchObject({ code: "LOG_OWNED" })
  })
})

describe("messages between servers", () => {
  const frame = encodeMessage({ type: "next-part" })
  const all: RelayMessage[] = [
    { type: "connect", client: 1, hello: frame, author: { id: "ann", role: "admin" }, user: "ann" },
    { type: "connect", client: 2, hello: frame, author: null, user: null },
    {
      type: "request",
      client: 1,
      author: undefined,
      refused: [{ from: lsn(1), to: lsn(3), code: "MUTATION_FORBIDDEN" }],
      frame,
    },
    { type: "leave", client: 300 },
    { type: "call", call: 1, asked: { type: "read", sql: "select ?", parameters: [1n, null, "ü"], isWatched: true } },
    { type: "call", call: 2, asked: { type: "position" } },
    { type: "call", call: 3, asked: { type: "mutate", name: "Add", args: { id: "1" }, author: "system", uid: "u" } },
    { type: "call", call: 4, asked: { type: "delete" } },
    { type: "stop", call: 1 },
    { type: "ready" },
    { type: "frame", clients: [1, 300], kept: 0, frame },
    { type: "again", clients: [2, 5], kept: 300 },
    { type: "forget", kept: [300, 301] },
    { type: "closed", client: 1, reason: "SERVER_CLOSING" },
    { type: "answer", call: 1, isLast: false, bytes: frame },
    { type: "failure", call: 1, code: "SQL_ERROR", message: "no such table" },
    { type: "changed", call: 1 },
  ]

  test("are what they were, whatever becomes of the bytes that they came in", () => {
    for (const message of all) {
      const bytes = encodeRelay(message)
      const decoded = decodeRelay(bytes)
      bytes.fill(0)
      expect(decoded).toEqual(message)
    }
  })

  test("that are cut, longer or of another version are BYTES_MALFORMED", () => {
    const codeOf = (bytes: Uint8Array) => {
      try {
        return decodeRelay(bytes).type
      } catch (error) {
        return (error as LfError).code
      }
    }
    for (const message of all) {
      const bytes = encodeRelay(message)
      for (let length = 0; length < bytes.length; length++)
        expect(codeOf(bytes.slice(0, length))).toBe("BYTES_MALFORMED")
      expect(codeOf(Uint8Array.of(...bytes, 0))).toBe("BYTES_MALFORMED")
      const newer = bytes.slice()
      newer[1] = RELAY_VERSION + 1
      expect(codeOf(newer)).toBe("BYTES_MALFORMED")
      const foreign = bytes.slice()
      foreign[0] = 99
      expect(codeOf(foreign)).toBe("BYTES_MALFORMED")
      const unknown = bytes.slice()
      unknown[2] = 99
      expect(codeOf(unknown)).toBe("BYTES_MALFORMED")
    }
    const call = encodeRelay({ type: "call", call: 1, asked: { type: "position" } })
    call[4] = 99
    expect(codeOf(call)).toBe("BYTES_MALFORMED")
  })

  test("of a server of another version end the pipe", async () => {
    const owner = await Remote.recover({ opened: await new World().serverDisk.open("d"), loadSqlite, mutator, host })
    const [near, far] = memoryPipe()
    const ends: string[] = []
    new DocumentRelay({
      host,
      owned: owner,
      pipe: far,
      confirm: async () => {},
      remove: async () => {},
      onEnd: () => ends.push("ended"),
    })
    await RelayedDocument.over({ pipe: near, mutator, host, onLost: () => ends.push("lost") })
    const strange = encodeRelay({ type: "ready" })
    strange[1] = RELAY_VERSION + 1
    near.send(strange)
    await until(() => ends.length === 2)
    expect(ends.toSorted()).toEqual(["ended", "lost"])
    await owner.close()
  })
})
