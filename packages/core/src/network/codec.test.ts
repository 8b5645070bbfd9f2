import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { isLfError } from "../base/error.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { CHUNK_PAGES } from "../storage/page-chunk.ts"
import { decodeMessage, encodeMessage, encodeRefusal, FRAME_TYPES } from "./codec.ts"
import { type Chunk, FRAME_BYTES_MAX, type Message, PROTOCOL_VERSION, PUSH_ENTRIES_MAX } from "./message.ts"

const position = fc.nat(2 ** 31).map((value): Lsn => lsn(value))
const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const bytes = fc.uint8Array({ maxLength: 200 })
const text = fc.string({ maxLength: 60 })
const changeset = fc
  .record({
    isWhole: fc.boolean(),
    before: fc.option(hash),
    after: hash,
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 8 }),
    deltas: fc.array(bytes, { minLength: 1, maxLength: 3 }),
  })
  .map(({ numbers, deltas, ...rest }) => ({
    ...rest,
    pageCount: 500,
    pages: numbers.sort((a, b) => a - b).map((pageNo) => ({ pageNo, deltas })),
  }))

const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant("hello" as const),
    protocol: fc.nat(1000),
    docId: text,
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    epoch: fc.string({ maxLength: 15 }),
    cursor: position,
    schema: fc.array(fc.string({ maxLength: 15 }), { maxLength: 5 }),
    token: text,
  }),
  fc.record({
    type: fc.constant("welcome" as const),
    epoch: fc.string({ maxLength: 15 }),
    clientLsn: position,
    clientHash: hash,
    checksum: hash,
    lsn: position,
    schema: fc.array(fc.string({ maxLength: 15 }), { maxLength: 5 }),
    user: fc.option(fc.string({ maxLength: 15 })),
  }),
  fc.record({
    type: fc.constant("sync-mutations" as const),
    batch: fc.record({ from: position, previousHash: hash, entries: fc.array(bytes, { maxLength: 5 }) }),
    confirmed: position,
  }),
  fc.record({
    type: fc.constant("sync-storage" as const),
    cursor: position,
    outcomesSeen: position,
    resumeLsn: position,
    resumePages: fc.nat(262_144),
  }),
  fc.record({ type: fc.constant("presence" as const), tab: fc.string({ maxLength: 15 }), value: bytes }),
  fc.record({ type: fc.constant("watch-presences" as const), version: fc.nat(2 ** 31) }),
  fc.record({
    type: fc.constant("presences" as const),
    version: fc.nat(2 ** 31),
    isAll: fc.boolean(),
    changed: fc.array(
      fc.record({ id: fc.string({ maxLength: 30 }), user: fc.option(fc.string({ maxLength: 15 })), value: bytes }),
      { maxLength: 5 },
    ),
    gone: fc.array(fc.string({ maxLength: 30 }), { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant("cursor" as const), lsn: position }),
  fc.record({ type: fc.constant("gap" as const), expected: position }),
  fc.record({ type: fc.constant("fork" as const), common: position }),
  fc.record({
    type: fc.constant("refused" as const),
    common: position,
    ranges: fc
      .uniqueArray(fc.tuple(fc.nat(2 ** 20), fc.string({ maxLength: 15 })), { maxLength: 5, selector: ([at]) => at })
      .map((marks) => marks.sort(([a], [b]) => a - b).map(([at, code]) => ({ from: lsn(at), to: lsn(at + 1), code }))),
  }),
  fc.record({
    type: fc.constant("pages" as const),
    from: position,
    to: position,
    isLast: fc.boolean(),
    bytesTotal: fc.nat(),
    changeset,
    outcomes: fc.array(
      fc.record({
        lsn: position,
        uid: fc.string({ maxLength: 12 }),
        code: text,
        data: fc.jsonValue() as fc.Arbitrary<unknown>,
      }),
      { maxLength: 3 },
    ),
  }),
  fc
    .record({
      type: fc.constant("chunk" as const),
      from: position,
      to: position,
      pageCount: fc.integer({ min: 64, max: 262_144 }),
      checksum: hash,
      isLast: fc.boolean(),
      bytesTotal: fc.nat(),
      pageNo: fc.integer({ min: 1, max: 60 }),
      count: fc.nat(4),
      block: fc.uint8Array({ minLength: 1, maxLength: 200 }),
      outcomes: fc.constantFrom([], [{ lsn: lsn(1), uid: "u", code: "c", data: null }]),
    })
    .map((chunk) => (chunk.count > 0 ? chunk : { ...chunk, pageNo: 0, block: new Uint8Array(0) })),
  fc.record({ type: fc.constant("refuse" as const), code: text, message: text }),
  fc.constantFrom({ type: "ping" as const }, { type: "pong" as const }, { type: "next-part" as const }),
)

describe("frames", () => {
  test("every message survives its encoding", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(JSON.parse(plain(decodeMessage(encodeMessage(message))))).toEqual(JSON.parse(plain(message)))
      }),
    )
  })

  test("foreign bytes, cut frames and flipped bits are a typed error or another message (S9, S15)", () => {
    const before = Object.getOwnPropertyNames(Object.prototype)
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.tuple(messages, fc.nat(), fc.nat(255)).map(([message, at, flip]) => {
        const frame = encodeMessage(message)
        frame[at % frame.length] ^= flip
        return frame
      }),
      fc.tuple(messages, fc.nat()).map(([message, at]) => encodeMessage(message).subarray(0, at % 60)),
    )
    fc.assert(
      fc.property(hostile, (frame) => {
        try {
          decodeMessage(frame)
        } catch (error) {
          expect(isLfError(error) && error.code).toBe("FRAME_MALFORMED")
        }
      }),
      { numRuns: 5_000 },
    )
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
  })

  test("a frame over the limit is refused before it is read (S7)", () => {
    expect(() => decodeMessage(new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow(
      expect.objectContaining({ code: "FRAME_TOO_LARGE" }),
    )
  })

  test("a frame of another protocol, of an unknown type, cut or too long is FRAME_MALFORMED (S15)", () => {
    for (const [bytes, message] of [
      [[], /expected 1 more bytes, got 0/],
      [[0x20, 5], /expected a frame of lf/],
      [[0x1f, 99], /known type, got an unknown one/],
      [[0x1f, 17], /expected 1 more bytes, got 0/],
      [[0x1f, 5, 0], /expected the end, got 1 more/],
    ] as const) {
      const malformed = expect.objectContaining({ code: "FRAME_MALFORMED", message: expect.stringMatching(message) })
      expect(() => decodeMessage(Uint8Array.from(bytes))).toThrow(malformed)
    }
  })

  test("more entries or migrations than may be are refused, however small they are (S9, I17)", () => {
    const zeros = (count: number) =>
      new ByteWriter()
        .uint(count)
        .raw(new Uint8Array(count + 1))
        .finish()
    const mutations = new ByteWriter().u8(0x1f).u8(FRAME_TYPES["sync-mutations"]).uint(0).u64(0n)
    const welcome = new ByteWriter().u8(0x1f).u8(FRAME_TYPES.welcome).text("").uint(0).u64(0n).uint(0).u64(0n)
    const refused = (what: string) => expect.objectContaining({ code: "FRAME_MALFORMED", message: what })
    expect(() => decodeMessage(mutations.raw(zeros(100_001)).finish())).toThrow(
      refused("expected at most 1000 entries, got 100001"),
    )
    expect(() => decodeMessage(welcome.raw(zeros(10_001)).finish())).toThrow(
      refused("expected at most 10000 migrations, got 10001"),
    )
    const users = new ByteWriter().u8(0x1f).u8(FRAME_TYPES.welcome).text("").uint(0).u64(0n).uint(0).u64(0n).uint(0)
    expect(() => decodeMessage(users.raw(zeros(2)).finish())).toThrow(
      refused("expected at most one user of a connection, got 2"),
    )
  })

  test("__proto__ in an outcome's data is data (S9)", () => {
    const data = JSON.parse('{"__proto__": {"polluted": true}}') as unknown
    const message: Message = {
      type: "pages",
      from: lsn(0),
      to: lsn(1),
      isLast: true,
      bytesTotal: 0,
      changeset: { pageCount: 0, isWhole: true, before: null, after: 0n, pages: [] },
      outcomes: [{ lsn: lsn(1), uid: "u", code: "c", data }],
    }
    const decoded = decodeMessage(encodeMessage(message))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(plain(decoded)).toContain("polluted")
  })

  test("PROTOCOL.md lists exactly the frames of the codec, and its version", () => {
    const document = readFileSync(new URL("./PROTOCOL.md", import.meta.url), "utf8")
    const rows = [...document.matchAll(/^\| *(\d+) *\| *`([a-z-]+)` *\|/gm)].map(([, number, type]) => [
      type,
      Number(number),
    ])
    expect(Object.fromEntries(rows)).toEqual(FRAME_TYPES)
    expect(document).toContain(`Version ${PROTOCOL_VERSION}.`)
  })
})

function plain(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`
    if (value instanceof Uint8Array) return [...value]
    if (Object.is(value, -0)) return 0
    return value
  })
}

describe("encoder and decoder have the same limits (T35)", () => {
  const hello = (change: object) => ({
    type: "hello" as const,
    protocol: 1,
    docId: "d",
    secret: new Uint8Array(32),
    epoch: "e",
    cursor: lsn(0),
    schema: [],
    token: "",
    ...change,
  })
  const welcome = (user: string) => ({
    type: "welcome" as const,
    epoch: "e",
    clientLsn: lsn(0),
    clientHash: 0n,
    checksum: 0n,
    lsn: lsn(0),
    schema: [],
    user,
  })
  const limited: [string, number, (text: string) => Message][] = [
    ["docId", 256, (docId) => hello({ docId })],
    ["epoch", 64, (epoch) => hello({ epoch })],
    ["token", 16 * 1024, (token) => hello({ token })],
    ["schema", 64, (one) => hello({ schema: [one] })],
    ["user", 4096, welcome],
    ["code", 128, (code) => ({ type: "refuse", code, message: "" })],
    ["message", 4096, (message) => ({ type: "refuse", code: "FORBIDDEN", message })],
  ]
  test.each(limited)("%s takes %i bytes, and no more", (_name, bytesMax, make) => {
    const longest = make("a".repeat(bytesMax))
    expect(decodeMessage(encodeMessage(longest))).toEqual(longest)
    expect(() => encodeMessage(make("a".repeat(bytesMax + 1)))).toThrow(
      expect.objectContaining({ code: "FRAME_MALFORMED" }),
    )
    expect(() => encodeMessage(make("ß".repeat(bytesMax / 2 + 1)))).toThrow()
  })

  test("a list takes as many items as it may, and no more", () => {
    const longest = hello({ schema: Array(10_000).fill("a") })
    expect(decodeMessage(encodeMessage(longest))).toEqual(longest)
    expect(() => encodeMessage(hello({ schema: Array(10_001).fill("a") }))).toThrow()
    const batch = (count: number) => ({
      type: "sync-mutations" as const,
      batch: { from: lsn(0), previousHash: 0n, entries: Array<Uint8Array>(count).fill(new Uint8Array(1)) },
      confirmed: lsn(0),
    })
    expect(decodeMessage(encodeMessage(batch(PUSH_ENTRIES_MAX)))).toEqual(batch(PUSH_ENTRIES_MAX))
    expect(() => encodeMessage(batch(PUSH_ENTRIES_MAX + 1))).toThrow()
  })

  test("a refusal of any length arrives, cut", () => {
    for (const message of ["short", "x".repeat(100_000), "€".repeat(100_000), "\u{1f600}".repeat(100_000)]) {
      const refusal = decodeMessage(encodeRefusal({ code: "FORBIDDEN", message }))
      expect(refusal).toMatchObject({ type: "refuse", code: "FORBIDDEN" })
    }
  })
})

describe("a chunk's pages lie in its database, and its bytes are no more than theirs (S9, T35)", () => {
  const chunk: Chunk = {
    type: "chunk",
    from: lsn(0),
    to: lsn(1),
    pageCount: DOCUMENT_PAGES_MAX,
    checksum: 0n,
    isLast: true,
    bytesTotal: 0,
    pageNo: DOCUMENT_PAGES_MAX - CHUNK_PAGES + 1,
    count: CHUNK_PAGES,
    block: new Uint8Array(CHUNK_PAGES * PAGE_BYTES),
    outcomes: [],
  }
  const none = { pageNo: 0, count: 0, block: new Uint8Array(0) }
  const malformed = expect.objectContaining({ code: "FRAME_MALFORMED" })

  /** Its frame as an encoder without limits writes it. */
  const frameOf = ({ from, to, pageCount, checksum, bytesTotal, pageNo, count, block }: Chunk) => {
    const writer = new ByteWriter(64).u8(0x1f).u8(FRAME_TYPES.chunk).uint(from).uint(to).uint(pageCount).u64(checksum)
    return writer.u8(1).uint(bytesTotal).uint(pageNo).uint(count).bytes(block).uint(0).finish()
  }

  test.each<[string, Partial<Chunk>]>([
    ["all that may be", {}],
    ["nothing", none],
    ["one page of one", { pageCount: 1, pageNo: 1, count: 1, block: new Uint8Array(1) }],
  ])("%s is encoded and decoded", (_what, more) => {
    expect(decodeMessage(encodeMessage({ ...chunk, ...more }))).toEqual({ ...chunk, ...more })
    expect(encodeMessage({ ...chunk, ...more })).toEqual(frameOf({ ...chunk, ...more }))
    expect(encodeMessage({ ...chunk, ...more }).length).toBeLessThan(FRAME_BYTES_MAX / 2)
  })

  test.each<[string, Partial<Chunk>]>([
    ["more pages than a database has", { pageCount: DOCUMENT_PAGES_MAX + 1 }],
    ["more pages than a chunk has", { count: CHUNK_PAGES + 1, pageNo: 1 }],
    ["more bytes than its pages", { count: 1, block: new Uint8Array(PAGE_BYTES + 1) }],
    ["more bytes than a chunk", { block: new Uint8Array(CHUNK_PAGES * PAGE_BYTES + 1) }],
    ["no bytes", { block: new Uint8Array(0) }],
    ["page 0", { pageNo: 0 }],
    ["a page behind the last one", { pageNo: DOCUMENT_PAGES_MAX - CHUNK_PAGES + 2 }],
    ["no pages from a page on", { ...none, pageNo: 1 }],
    ["no pages in some bytes", { ...none, block: new Uint8Array(1) }],
  ])("%s is neither", (_what, more) => {
    expect(() => encodeMessage({ ...chunk, ...more })).toThrow(malformed)
    expect(() => decodeMessage(frameOf({ ...chunk, ...more }))).toThrow(malformed)
  })

  test("a client that resumes has no more pages than a database", () => {
    const ask = { type: "sync-storage", cursor: lsn(0), outcomesSeen: lsn(0), resumeLsn: lsn(1) } as const
    expect(decodeMessage(encodeMessage({ ...ask, resumePages: DOCUMENT_PAGES_MAX }))).toEqual({
      ...ask,
      resumePages: DOCUMENT_PAGES_MAX,
    })
    expect(() => encodeMessage({ ...ask, resumePages: DOCUMENT_PAGES_MAX + 1 })).toThrow(malformed)
    const frame = new ByteWriter(64).u8(0x1f).u8(FRAME_TYPES["sync-storage"]).uint(0).uint(0).uint(1)
    expect(() => decodeMessage(frame.uint(DOCUMENT_PAGES_MAX + 1).finish())).toThrow(malformed)
  })
})
