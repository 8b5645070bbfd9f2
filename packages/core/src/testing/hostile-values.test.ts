import { beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { ByteWriter, textToBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { deflate } from "../base/deflate.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import { lsn } from "../base/lsn.ts"
import { Session } from "../local/session.ts"
import { decodeMessage, encodeMessage, FRAME_TYPES } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import {
  type Chunk,
  FRAME_BYTES_MAX,
  type Hello,
  type MutationsReply,
  PROTOCOL_VERSION,
  PUSH_ENTRIES_MAX,
  type ServerMessage,
  TOKEN_BYTES_MAX,
} from "../network/message.ts"
import type { Network, Pipe } from "../network/network.ts"
import { Database } from "../sqlite/database.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { sql } from "../sqlite/sql.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { CHUNK_PAGES } from "../storage/page-chunk.ts"
import { Storage } from "../storage/storage.ts"
import { serve } from "../testing/admit.ts"
import { MUTATION_BYTES_MAX, MUTATION_NAME_BYTES_MAX, mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { helloOf } from "./hello.ts"
import { host, loadSqlite, until, World } from "./small-world.ts"

// Every field of every message that a client may send, at each of its limits and past it, against a server that serves an
// honest client meanwhile: a refusal with a code of ours, or an answer, and the server keeps working (S15, I21).

const Clock = defineMutation("Clock", z.any(), (tx) => {
  tx.run(sql`insert into t values (${tx.id()}, datetime('now'), ${tx.nowMs})`)
})
const app = defineMutator({ migrations: [sql`create table t (id text, at text, n any) strict`], mutations: [Clock] })

const MAGIC = 0x1f
const positions = [0, 1, 2, 127, 128, 2 ** 31, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER]
const frame = (type: keyof typeof FRAME_TYPES) => new ByteWriter(64).u8(MAGIC).u8(FRAME_TYPES[type])
const text = (length: number) => "x".repeat(length)
const NOT_UTF8 = new Uint8Array([0xff, 0xfe, 0xfd])

/** A database of one page, which is none. */
const CHUNK: Chunk = {
  ...{ type: "chunk", from: lsn(0), to: lsn(1), pageCount: 1, checksum: 0n, isLast: false, bytesTotal: 0 },
  ...{ pageNo: 1, count: 1, block: new Uint8Array(PAGE_BYTES), outcomes: [] },
}

let made = 0
function entry(fields: { at?: number; name?: string; uid?: string; args?: unknown } = {}): Uint8Array {
  const { at = 0, name = "Clock", args = {} } = fields
  const uid = fields.uid ?? `00000000-0000-7000-8000-${String(made++).padStart(12, "0")}`
  return mutationCodec.encode({ uid, name, args, at })
}

/** An entry of a mutation as bytes, where the codec would refuse to write it. */
function rawEntry(fields: { uid?: Uint8Array; at?: number; name?: Uint8Array; format?: number }): Uint8Array {
  const { uid = textToBytes("00000000-0000-7000-8000-000000000000"), at = 0, format = 1 } = fields
  return new ByteWriter(64)
    .u8(format)
    .bytes(uid)
    .f64(at)
    .bytes(fields.name ?? textToBytes("Clock"))
    .u8(0)
    .finish()
}

function push(entries: readonly Uint8Array[], from = 0, previousHash = 0n, confirmed = 0): Uint8Array {
  const writer = frame("sync-mutations").uint(from).u64(previousHash).uint(entries.length)
  for (const one of entries) writer.bytes(one)
  return writer.uint(confirmed).finish()
}

const hello = (change: Partial<Hello>) => encodeMessage({ ...helloOf(), ...change })

/** What comes first on a connection. */
const greetings: readonly (readonly [string, Uint8Array])[] = [
  ...positions.map((cursor) => [`cursor ${cursor}`, hello({ cursor: lsn(cursor) })] as const),
  ...positions.map((protocol) => [`protocol ${protocol}`, hello({ protocol })] as const),
  ...[1, 64, 65, 256].map((n) => [`a document id of ${n}`, hello({ docId: text(n) })] as const),
  ...[0, 1, 63, 64].map((n) => [`an epoch of ${n}`, hello({ epoch: text(n) })] as const),
  ...[0, 1, 10_000].map((n) => [`${n} migrations`, hello({ schema: Array(n).fill("a") })] as const),
  ...[0, 1, TOKEN_BYTES_MAX].map((n) => [`a token of ${n}`, hello({ token: text(n) })] as const),
  ["a token past its limit", rawHello(TOKEN_BYTES_MAX + 1)],
  ["a token that says it is endless", frame("hello").uint(PROTOCOL_VERSION).finish()],
  ["no bytes", new Uint8Array(0)],
  ["a frame past its limit", new Uint8Array(FRAME_BYTES_MAX + 1)],
]

function ask(...fields: readonly number[]): Uint8Array {
  return fields.reduce((writer, field) => writer.uint(field), frame("sync-storage")).finish()
}

function rawHello(tokenBytes: number): Uint8Array {
  const { docId, secret, epoch, cursor } = helloOf()
  const writer = frame("hello")
    .uint(PROTOCOL_VERSION)
    .bytes(textToBytes(docId))
    .raw(secret)
    .bytes(textToBytes(epoch))
    .uint(cursor)
  return writer
    .uint(0)
    .bytes(textToBytes(text(tokenBytes)))
    .finish()
}

/** What comes later. */
const frames: readonly (readonly [string, Uint8Array])[] = [
  ...positions.map((from) => [`a push from ${from}`, push([entry()], from)] as const),
  ...positions.map((confirmed) => [`confirmed ${confirmed}`, push([entry()], 0, 0n, confirmed)] as const),
  ...[0n, 1n, 2n ** 63n, 2n ** 64n - 1n].map((hash) => [`after hash ${hash}`, push([entry()], 0, hash)] as const),
  ...[0, 1, PUSH_ENTRIES_MAX, PUSH_ENTRIES_MAX + 1].map((n) => [`${n} entries`, push(Array(n).fill(entry()))] as const),
  ["entries that say they are endless", frame("sync-mutations").uint(0).u64(0n).uint(Number.MAX_SAFE_INTEGER).finish()],
  ...positions.map((at) => [`asks from ${at}`, ask(at, 0, 0, 0)] as const),
  ...positions.map((at) => [`has seen ${at}`, ask(0, at, 0, 0)] as const),
  ...positions.map((at) => [`resumes from ${at}`, ask(0, 0, at, 9)] as const),
  ...[...positions, DOCUMENT_PAGES_MAX, DOCUMENT_PAGES_MAX + 1].map(
    (count) => [`resumes with ${count} pages`, ask(0, 0, 1, count)] as const,
  ),
  ["resumes and is up to date", ask(1, 0, 1, 1)],
  ["a chunk", encodeMessage(CHUNK)],
  ["asks for a part of nothing", frame("next-part").finish()],
  ["a part with more behind it", frame("next-part").uint(1).finish()],
  ...[-(2 ** 53), -1, 0, 0.5, 8.64e15, 8.64e15 + 1, 2 ** 63, Number.MAX_VALUE, Number.MIN_VALUE].map(
    (at) => [`made at ${at}`, push([entry({ at })])] as const,
  ),
  ...[Number.NaN, Number.POSITIVE_INFINITY].map((at) => [`made at ${at}`, push([rawEntry({ at })])] as const),
  ["a name at its limit", push([entry({ name: text(MUTATION_NAME_BYTES_MAX) })])],
  ["a name past it", push([rawEntry({ name: textToBytes(text(MUTATION_NAME_BYTES_MAX + 1)) })])],
  ["a name that is no text", push([rawEntry({ name: NOT_UTF8 })])],
  ["a uid that is none", push([rawEntry({ uid: textToBytes(text(36)) })])],
  ["a uid that is no text", push([rawEntry({ uid: NOT_UTF8 })])],
  ["an entry of another format", push([rawEntry({ format: 255 })])],
  ["an entry of no bytes", push([new Uint8Array(0)])],
  ["an entry at its limit", push([entry({ args: text(MUTATION_BYTES_MAX - 65) })])],
  ["an entry past it", push([new Uint8Array(MUTATION_BYTES_MAX + 1)])],
  ["a server's message", encodeMessage({ type: "cursor", lsn: lsn(1) })],
  ["a second hello", hello({})],
  ["an unknown type", new Uint8Array([MAGIC, 255])],
  ["bytes of another protocol", new Uint8Array([0, 1, 2])],
]

beforeAll(() => loadChecksum())

test("every frame is answered or refused with a code; an honest client notices nothing", async () => {
  const world = new World(app)
  const remote = await world.startServer()
  const { local } = await world.client()
  const codes = new Set<string>()
  const send = async (list: readonly Uint8Array[]) => {
    const [near, far] = memoryPipe()
    let isClosed = false
    let received = 0
    near.listen({
      frame(bytes) {
        received++
        const message = decodeMessage(bytes)
        if (message.type === "refuse") codes.add(message.code)
      },
      closed: () => {
        isClosed = true
      },
    })
    serve(far, host, remote)
    for (const one of list) near.send(one)
    await until(() => received > 0 || isClosed)
    near.send(encodeMessage({ type: "ping" }))
    await new Promise((resolve) => setTimeout(resolve, 1))
    near.close("enough")
  }
  const check = async (what: string) => {
    expect([what, remote.failure]).toEqual([what, null])
    const { remote: outcome } = local.run("Clock", { what })
    expect([what, (await outcome).type]).toEqual([what, "applied"])
  }
  for (const [what, bytes] of greetings) {
    await send([bytes])
    await check(what)
  }
  for (const [what, bytes] of frames) {
    await send([hello({ secret: crypto.getRandomValues(new Uint8Array(32)) }), bytes])
    await check(what)
  }
  for (const code of codes) expect(Object.hasOwn(ERROR_CODES, code)).toBe(true)
  const db = new Database(await loadSqlite(), new Storage(remote.pages))
  expect(db.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
  expect(remote.connectedCount).toBe(1)
  await world.stopServer()
}, 60_000)

/** A server's answers to a push, at the limits of each field. */
const ends = [0, 1, 128, Number.MAX_SAFE_INTEGER]
const replies: readonly MutationsReply[] = ends.flatMap((at) => [
  { type: "cursor", lsn: lsn(at) },
  { type: "gap", expected: lsn(at) },
  { type: "fork", common: lsn(at) },
  { type: "refused", common: lsn(at), ranges: [] },
  {
    type: "refused",
    common: lsn(0),
    ranges: [{ from: lsn(Math.max(0, at - 1)), to: lsn(Math.max(1, at)), code: "X" }],
  },
])
const welcomes: readonly Partial<Extract<ServerMessage, { type: "welcome" }>>[] = [
  ...ends.flatMap((at) => [{ clientLsn: lsn(at) }, { lsn: lsn(at) }]),
  ...[0n, 1n, 2n ** 64n - 1n].map((clientHash) => ({ clientHash, clientLsn: lsn(1) })),
  ...["", "x".repeat(64)].map((epoch) => ({ epoch })),
]
/** Parts of a base, at the limits of each field; and a base that adds up and is no database. */
const chunks: readonly Chunk[] = [
  ...ends.flatMap((at) => [
    { from: lsn(at) },
    { to: lsn(at) },
    { bytesTotal: at },
    { outcomes: [{ lsn: lsn(at), uid: "u", code: "NO", data: null }] },
  ]),
  ...[1, 2, DOCUMENT_PAGES_MAX].map((pageCount) => ({ pageCount, pageNo: pageCount })),
  ...[0n, 2n ** 64n - 1n].map((checksum) => ({ checksum, isLast: true })),
  { pageCount: CHUNK_PAGES, count: CHUNK_PAGES },
  ...[true, false].map((isLast) => ({ isLast, pageNo: 0, count: 0, block: new Uint8Array(0) })),
  ...[1, 100, PAGE_BYTES - 1].map((bytes) => ({ block: new Uint8Array(bytes) })),
  { block: deflate(new Uint8Array(PAGE_BYTES * 1_000)) },
  { block: deflate(new Uint8Array(PAGE_BYTES)), isLast: true },
].map((more) => ({ ...CHUNK, ...more }))

test("whatever one server says, at the next each mutation arrives once (I9, I21)", async () => {
  const world = new World(app)
  const remote = await world.startServer()
  const said: Partial<ServerMessage>[] = []
  let isHonest = true
  const { local, session } = await world.client()
  session.stop()
  const network: Network = {
    async connect() {
      const message = isHonest ? undefined : said.at(-1)
      isHonest = true
      return message === undefined ? await world.network.connect() : liar(message)
    },
  }
  let what = 0
  const mine = new Session({ docId: "d", local, network, host, onChange: () => {} })
  await until(() => local.cursor === remote.lsn())
  const base = { ...CHUNK, isLast: true, checksum: new Storage([CHUNK.block]).checksum }
  for (const message of [...replies, ...welcomes, ...chunks, base]) {
    said.push(message)
    isHonest = false
    const { uid, durable } = local.run("Clock", { what: what++ })
    mine.setOnline(false)
    mine.setOnline(true)
    await durable
    await until(() => isHonest)
    mine.poke()
    await until(() => {
      mine.poke()
      return local.pendingCount === 0 && local.cursor === remote.lsn() && local.epoch === remote.epoch
    })
    expect([message, local.failure, local.isKnown(uid)]).toEqual([message, null, true])
  }
  const refused = local.rejections.length
  const [{ n }] = remote.query(sql<{ n: number }>`select count(*) n from t`)
  expect(n + refused).toBe(what)
  mine.stop()
  await world.stopServer()
}, 60_000)

/** The client's end of a connection to a server that sends one message, then nothing, then closes. */
function liar(message: Partial<ServerMessage>): Pipe {
  const [near, far] = memoryPipe()
  const welcome = {
    type: "welcome",
    epoch: "lies",
    clientLsn: lsn(0),
    clientHash: 0n,
    checksum: 0n,
    lsn: lsn(0),
    schema: [],
    user: null,
  }
  far.listen({
    frame(bytes) {
      const { type } = decodeMessage(bytes)
      const isWelcome = message.type === undefined
      if (type === "hello") far.send(encodeMessage({ ...welcome, ...(isWelcome ? message : {}), type: "welcome" }))
      if (type === "sync-mutations" && !isWelcome) far.send(encodeMessage(message as ServerMessage)) // a whole one
      if (type === "sync-mutations") setTimeout(() => far.close("gone"), 2)
    },
    closed: () => {},
  })
  return near
}
