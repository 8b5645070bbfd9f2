import { unreachable } from "../base/assert.ts"
import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError, toLfError } from "../base/error.ts"
import { readPlain, writePlain } from "../base/plain.ts"
import type { Batch } from "../journal/batch.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { DOCUMENT_PAGES_MAX, readChangeset, writeChangeset } from "../storage/changeset.ts"
import { CHUNK_PAGES } from "../storage/page-chunk.ts"
import { checkCount, readLsn, readUser, writeText, writeUser } from "./fields.ts"
import {
  type Chunk,
  FRAME_BYTES_MAX,
  type Hello,
  type Message,
  PUSH_ENTRIES_MAX,
  REFUSAL_BYTES_MAX,
  type RefusedRange,
  type Rejection,
  type SyncStorage,
  TOKEN_BYTES_MAX,
} from "./message.ts"
import { readPresence, readPresences, writePresence, writePresences } from "./presence-codec.ts"

/** The first byte of every frame. */
const MAGIC = 0x1f
const SECRET_BYTES = 32
const SCHEMA_HASHES_MAX = 10_000
const DOC_ID_BYTES_MAX = 256
const EPOCH_BYTES_MAX = 64
const HASH_BYTES_MAX = 64
const UID_BYTES_MAX = 36
const CODE_BYTES_MAX = 128

/** A frame's second byte. PROTOCOL.md lists them; a test holds it to this table. */
export const FRAME_TYPES = {
  hello: 1,
  "sync-mutations": 2,
  "sync-storage": 3,
  "next-part": 4,
  ping: 5,
  presence: 6,
  "watch-presences": 7,
  welcome: 16,
  cursor: 17,
  gap: 18,
  fork: 19,
  pages: 20,
  refuse: 21,
  pong: 22,
  refused: 23,
  chunk: 24,
  presences: 25,
} as const satisfies Record<Message["type"], number>

const TYPE_BY_NUMBER = new Map<number, Message["type"]>(
  Object.entries(FRAME_TYPES).map(([type, number]) => [number, type as Message["type"]]),
)

/**
 * Encodes exactly what `decodeMessage` takes: both have the same limits (T35).
 * @throws FRAME_MALFORMED for a text or list over its limit
 */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter(message.type === "chunk" ? message.block.length + 256 : 256)
    .u8(MAGIC)
    .u8(FRAME_TYPES[message.type])
  switch (message.type) {
    case "hello":
      writeHello(writer, message)
      break
    case "welcome":
      writeText(writer, message.epoch, EPOCH_BYTES_MAX)
      writer.uint(message.clientLsn).u64(message.clientHash).uint(message.lsn).u64(message.checksum)
      writeTexts(writer, message.schema)
      writeUser(writer, message.user)
      break
    case "sync-mutations":
      writeBatch(writer, message.batch)
      writer.uint(message.confirmed)
      break
    case "cursor":
      writer.uint(message.lsn)
      break
    case "gap":
      writer.uint(message.expected)
      break
    case "fork":
      writer.uint(message.common)
      break
    case "refused":
      writer.uint(message.common)
      writeRanges(writer, message.ranges)
      break
    case "sync-storage":
      checkCount(message.resumePages, DOCUMENT_PAGES_MAX)
      writer.uint(message.cursor).uint(message.outcomesSeen).uint(message.resumeLsn).uint(message.resumePages)
      break
    case "pages":
      writer
        .uint(message.from)
        .uint(message.to)
        .u8(message.isLast ? 1 : 0)
        .uint(message.bytesTotal)
      writeChangeset(writer, message.changeset)
      writeOutcomes(writer, message.outcomes)
      break
    case "chunk":
      writeChunk(writer, message)
      break
    case "presence":
      writePresence(writer, message)
      break
    case "watch-presences":
      writer.uint(message.version)
      break
    case "presences":
      writePresences(writer, message)
      break
    case "refuse":
      writeText(writer, message.code, CODE_BYTES_MAX)
      writeText(writer, message.message, REFUSAL_BYTES_MAX)
      break
    case "next-part":
    case "ping":
    case "pong":
      break
    /* v8 ignore next 2 -- @preserve */
    default:
      unreachable("every message is encoded")
  }
  return writer.end()
}

/** A refusal, its message cut to what a frame of it may hold. */
export function encodeRefusal({ code, message }: { readonly code: string; readonly message: string }): Uint8Array {
  return encodeMessage({ type: "refuse", code, message: message.slice(0, REFUSAL_BYTES_MAX / 4) })
}

/** @throws FRAME_TOO_LARGE FRAME_MALFORMED */
export function decodeMessage(frame: Uint8Array): Message {
  if (frame.length > FRAME_BYTES_MAX)
    throw new LfError("FRAME_TOO_LARGE", `expected a frame of at most ${FRAME_BYTES_MAX} bytes, got ${frame.length}`)
  try {
    const reader = new ByteReader(frame)
    if (reader.u8() !== MAGIC) throw new LfError("FRAME_MALFORMED", "expected a frame of lf, got other bytes")
    const type = TYPE_BY_NUMBER.get(reader.u8())
    if (type === undefined) throw new LfError("FRAME_MALFORMED", "expected a frame of a known type, got an unknown one")
    const message = readBody(type, reader)
    reader.end()
    return message
  } catch (cause) {
    const failure = toLfError(cause, "FRAME_MALFORMED")
    if (failure.code === "FRAME_MALFORMED") throw failure
    throw new LfError("FRAME_MALFORMED", failure.message, { cause })
  }
}

function readBody(type: Message["type"], reader: ByteReader): Message {
  switch (type) {
    case "hello":
      return {
        type,
        protocol: reader.uint(),
        docId: reader.text(DOC_ID_BYTES_MAX),
        secret: reader.raw(SECRET_BYTES).slice(),
        epoch: reader.text(EPOCH_BYTES_MAX),
        cursor: readLsn(reader),
        schema: readTexts(reader),
        token: reader.text(TOKEN_BYTES_MAX),
      }
    case "welcome":
      return {
        type,
        epoch: reader.text(EPOCH_BYTES_MAX),
        clientLsn: readLsn(reader),
        clientHash: reader.u64(),
        lsn: readLsn(reader),
        checksum: reader.u64(),
        schema: readTexts(reader),
        user: readUser(reader),
      }
    case "sync-mutations":
      return { type, batch: readBatch(reader), confirmed: readLsn(reader) }
    case "cursor":
      return { type, lsn: readLsn(reader) }
    case "gap":
      return { type, expected: readLsn(reader) }
    case "fork":
      return { type, common: readLsn(reader) }
    case "refused":
      return { type, common: readLsn(reader), ranges: readRanges(reader) }
    case "sync-storage":
      return readSyncStorage(reader)
    case "pages":
      return {
        type,
        from: readLsn(reader),
        to: readLsn(reader),
        isLast: reader.u8() !== 0,
        bytesTotal: reader.uint(),
        changeset: readChangeset(reader),
        outcomes: readOutcomes(reader),
      }
    case "chunk":
      return readChunk(reader)
    case "presence":
      return readPresence(reader)
    case "watch-presences":
      return { type, version: reader.uint() }
    case "presences":
      return readPresences(reader)
    case "refuse":
      return { type, code: reader.text(CODE_BYTES_MAX), message: reader.text(REFUSAL_BYTES_MAX) }
    case "next-part":
    case "ping":
    case "pong":
      return { type }
    /* v8 ignore next 2 -- @preserve */
    default:
      return unreachable("every message is decoded")
  }
}

function writeHello(writer: ByteWriter, { protocol, docId, secret, epoch, cursor, schema, token }: Hello): void {
  writeText(writer.uint(protocol), docId, DOC_ID_BYTES_MAX)
  writeText(writer.raw(secret), epoch, EPOCH_BYTES_MAX)
  writeTexts(writer.uint(cursor), schema)
  writeText(writer, token, TOKEN_BYTES_MAX)
}

function readSyncStorage(reader: ByteReader): SyncStorage {
  const [cursor, outcomesSeen, resumeLsn] = [readLsn(reader), readLsn(reader), readLsn(reader)]
  const resumePages = reader.uint()
  checkCount(resumePages, DOCUMENT_PAGES_MAX)
  return { type: "sync-storage", cursor, outcomesSeen, resumeLsn, resumePages }
}

function writeChunk(writer: ByteWriter, chunk: Chunk): void {
  checkChunk(chunk)
  writer.uint(chunk.from).uint(chunk.to).uint(chunk.pageCount).u64(chunk.checksum)
  writer.u8(chunk.isLast ? 1 : 0).uint(chunk.bytesTotal)
  writer.uint(chunk.pageNo).uint(chunk.count).bytes(chunk.block)
  writeOutcomes(writer, chunk.outcomes)
}

function readChunk(reader: ByteReader): Chunk {
  const chunk: Chunk = {
    type: "chunk",
    from: readLsn(reader),
    to: readLsn(reader),
    pageCount: reader.uint(),
    checksum: reader.u64(),
    isLast: reader.u8() !== 0,
    bytesTotal: reader.uint(),
    pageNo: reader.uint(),
    count: reader.uint(),
    block: reader.bytes(CHUNK_PAGES * PAGE_BYTES),
    outcomes: readOutcomes(reader),
  }
  checkChunk(chunk)
  return chunk
}

/** Pages within the database, and no more bytes than they have; without pages nothing of them. */
function checkChunk({ pageCount, pageNo, count, block }: Chunk): void {
  checkCount(pageCount, DOCUMENT_PAGES_MAX)
  checkCount(count, CHUNK_PAGES)
  const isSound =
    count === 0
      ? pageNo === 0 && block.length === 0
      : pageNo > 0 && pageNo + count - 1 <= pageCount && block.length > 0 && block.length <= count * PAGE_BYTES
  if (!isSound)
    throw new LfError(
      "FRAME_MALFORMED",
      `expected a chunk of the ${pageCount} pages, got ${count} from page ${pageNo} in ${block.length} bytes`,
    )
}

function writeBatch(writer: ByteWriter, batch: Batch): void {
  checkCount(batch.entries.length, PUSH_ENTRIES_MAX)
  writer.uint(batch.from).u64(batch.previousHash).uint(batch.entries.length)
  for (const entry of batch.entries) writer.bytes(entry)
}

function readBatch(reader: ByteReader): Batch {
  const from = readLsn(reader)
  const previousHash = reader.u64()
  const count = reader.count()
  if (count > PUSH_ENTRIES_MAX)
    throw new LfError("FRAME_MALFORMED", `expected at most ${PUSH_ENTRIES_MAX} entries, got ${count}`)
  // There is no position behind the last safe integer: refused here, not in the document's loop.
  if (from + count >= Number.MAX_SAFE_INTEGER)
    throw new LfError("FRAME_MALFORMED", `expected entries up to the last position, got ${count} behind ${from}`)
  const entries: Uint8Array[] = []
  for (let i = 0; i < count; i++) entries.push(reader.bytes().slice())
  return { from, previousHash, entries }
}

function writeRanges(writer: ByteWriter, ranges: readonly RefusedRange[]): void {
  checkCount(ranges.length, PUSH_ENTRIES_MAX)
  writer.uint(ranges.length)
  for (const { from, to, code } of ranges) writeText(writer.uint(from).uint(to), code, CODE_BYTES_MAX)
}

/** In ascending order, none of them empty. */
function readRanges(reader: ByteReader): RefusedRange[] {
  const count = reader.count(3)
  if (count > PUSH_ENTRIES_MAX)
    throw new LfError("FRAME_MALFORMED", `expected at most ${PUSH_ENTRIES_MAX} ranges, got ${count}`)
  const ranges: RefusedRange[] = []
  for (let i = 0; i < count; i++) {
    const range = { from: readLsn(reader), to: readLsn(reader), code: reader.text(CODE_BYTES_MAX) }
    if (range.to <= range.from || range.from < (ranges.at(-1)?.to ?? 0))
      throw new LfError(
        "FRAME_MALFORMED",
        "expected refused ranges in ascending order, got one that is empty or begins too early",
      )
    ranges.push(range)
  }
  return ranges
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  checkCount(texts.length, SCHEMA_HASHES_MAX)
  writer.uint(texts.length)
  for (const text of texts) writeText(writer, text, HASH_BYTES_MAX)
}

function readTexts(reader: ByteReader): string[] {
  const count = reader.count()
  if (count > SCHEMA_HASHES_MAX)
    throw new LfError("FRAME_MALFORMED", `expected at most ${SCHEMA_HASHES_MAX} migrations, got ${count}`)
  const texts: string[] = []
  for (let i = 0; i < count; i++) texts.push(reader.text(HASH_BYTES_MAX))
  return texts
}

function writeOutcomes(writer: ByteWriter, outcomes: readonly Rejection[]): void {
  writer.uint(outcomes.length)
  for (const { lsn: position, uid, code, data } of outcomes) {
    writeText(writer.uint(position), uid, UID_BYTES_MAX)
    writeText(writer, code, CODE_BYTES_MAX)
    writePlain(writer, data)
  }
}

function readOutcomes(reader: ByteReader): Rejection[] {
  const count = reader.count(4)
  const outcomes: Rejection[] = []
  for (let i = 0; i < count; i++) {
    outcomes.push({
      lsn: readLsn(reader),
      uid: reader.text(UID_BYTES_MAX),
      code: reader.text(CODE_BYTES_MAX),
      data: readPlain(reader),
    })
  }
  return outcomes
}
