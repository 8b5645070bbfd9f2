import { assert } from "../base/assert.ts"
import { ByteReader, ByteWriter, bytesEqual, textToBytes } from "../base/bytes.ts"
import { hash64 } from "../base/checksum.ts"
import { isLfError, LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import type { LogRecord } from "./log.ts"

// A record lies only inside an append group, and the group is what a disk keeps or loses as a whole:
//   u32 magic, u32 format, u64 generation, u32 record count, u32 body bytes, u64 body hash, u64 hash of all these; body
// A record of the body: u8 type, stream (length, utf8), uint lsn, u64 previous hash, u64 hash, payload (length, bytes).

const MAGIC = 0x31474c6c // "lLG1"
const MAGIC_BYTES = [0x6c, 0x4c, 0x47, 0x31]
const FORMAT = 1
const HEADER_BYTES = 40
const HEADER_HASHED_BYTES = 32
const BODY_BYTES_MAX = 0xffff_ffff
const STREAM_BYTES_MAX = 128
const RECORD_BYTES_MIN = 21
const TYPE_ENTRY = 1
const TYPE_ANCHOR = 2

export interface DecodedRecords {
  readonly records: readonly LogRecord[]
  /** Everything from here on is a torn tail: cut it before the first append. */
  readonly goodBytes: number
  /** Where the last whole group begins; equal to `goodBytes` when there is none. */
  readonly lastGroupAt: number
  readonly tail: "clean" | "torn"
}

interface GroupHeader {
  readonly count: number
  readonly bodyHash: bigint
  readonly bodyAt: number
  readonly endAt: number
}

/** About what a record costs at rest, in bytes. */
export function recordBytes(record: LogRecord): number {
  return RECORD_BYTES_MIN + record.stream.length + record.payload.length
}

/** One append group. `generation` salts it: a record left behind by another generation never parses (T18). */
export function encodeGroup(generation: number, records: readonly LogRecord[]): Uint8Array {
  const body = new ByteWriter(1024)
  for (const record of records) writeRecord(body, record)
  assert(body.length <= BODY_BYTES_MAX, "an append group is smaller than 4 GiB")
  const bodyBytes = body.end()
  const group = new ByteWriter(HEADER_BYTES + bodyBytes.length)
  group.u32(MAGIC).u32(FORMAT).u64(BigInt(generation)).u32(records.length).u32(bodyBytes.length).u64(hash64(bodyBytes))
  return group.u64(hash64(group.finish())).raw(bodyBytes).end()
}

/**
 * The records of all whole groups from the start of `bytes`; payloads are views. Bytes that are no group are a torn
 * tail if no group of this generation follows them, else damage in the middle of acknowledged data (I11).
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER
 */
export function decodeRecords(bytes: Uint8Array, generation: number): DecodedRecords {
  const records: LogRecord[] = []
  let at = 0
  let lastGroupAt = 0
  while (at < bytes.length) {
    const header = readHeader(bytes, at, generation)
    if (header === undefined || !isBodyWhole(bytes, header)) {
      // A whole header has its body's end; what lies inside is data, even where it looks like a group.
      const next = header === undefined ? at + 1 : header.endAt
      // A group is begun when the one before it is durable: the next header alone says that this one was whole once.
      if (header !== undefined && readHeader(bytes, next, generation) !== undefined) throw damagedAt(at)
      if (header !== undefined && hasTwin(bytes, at)) throw damagedAt(at)
      refuseLaterGroup(bytes, generation, next)
      return { records, goodBytes: at, lastGroupAt, tail: "torn" }
    }
    readBody(bytes.subarray(header.bodyAt, header.endAt), header.count, records)
    lastGroupAt = at
    at = header.endAt
  }
  return { records, goodBytes: at, lastGroupAt, tail: "clean" }
}

function writeRecord(out: ByteWriter, record: LogRecord): void {
  const name = textToBytes(record.stream)
  assert(name.length >= 1 && name.length <= STREAM_BYTES_MAX, "a stream's name has 1 to 128 bytes")
  out
    .u8(record.type === "entry" ? TYPE_ENTRY : TYPE_ANCHOR)
    .bytes(name)
    .uint(record.lsn)
  out.u64(record.previousHash).u64(record.hash).bytes(record.payload)
}

function readHeader(bytes: Uint8Array, at: number, generation: number): GroupHeader | undefined {
  if (bytes.length - at < HEADER_BYTES) return undefined
  const reader = new ByteReader(bytes.subarray(at, at + HEADER_BYTES))
  if (reader.u32() !== MAGIC) return undefined
  const format = reader.u32()
  const ofGeneration = reader.u64()
  const count = reader.u32()
  const bodyBytes = reader.u32()
  const bodyHash = reader.u64()
  if (reader.u64() !== hash64(bytes.subarray(at, at + HEADER_HASHED_BYTES))) return undefined
  if (ofGeneration !== BigInt(generation)) return undefined
  if (format > FORMAT) throw new LfError("LOG_FORMAT_NEWER", `records of format ${format}, this code reads ${FORMAT}`)
  return { count, bodyHash, bodyAt: at + HEADER_BYTES, endAt: at + HEADER_BYTES + bodyBytes }
}

function isBodyWhole(bytes: Uint8Array, header: GroupHeader): boolean {
  if (header.endAt > bytes.length) return false
  return hash64(bytes.subarray(header.bodyAt, header.endAt)) === header.bodyHash
}

function refuseLaterGroup(bytes: Uint8Array, generation: number, from: number): void {
  for (let at = bytes.indexOf(MAGIC_BYTES[0], from); at !== -1; at = bytes.indexOf(MAGIC_BYTES[0], at + 1)) {
    const header = readHeader(bytes, at, generation)
    if (header !== undefined && isBodyWhole(bytes, header)) throw damagedAt(from)
  }
}

/** A header that stands twice was written to a wrong place: by the hash of its body each is the only one. */
function hasTwin(bytes: Uint8Array, headerAt: number): boolean {
  const header = bytes.subarray(headerAt, headerAt + HEADER_BYTES)
  for (let at = bytes.indexOf(header[0]); at !== -1; at = bytes.indexOf(header[0], at + 1)) {
    if (at !== headerAt && bytesEqual(bytes.subarray(at, at + HEADER_BYTES), header)) return true
  }
  return false
}

function damagedAt(at: number): LfError {
  return new LfError("LOG_CORRUPT", `the group at byte ${at} is damaged, and is no torn tail`)
}

function readBody(body: Uint8Array, count: number, into: LogRecord[]): void {
  try {
    const reader = new ByteReader(body)
    if (count * RECORD_BYTES_MIN > body.length)
      throw new LfError(
        "LOG_CORRUPT",
        `got a count of ${count} records, which is more than ${body.length} bytes can hold`,
      )
    for (let i = 0; i < count; i++) into.push(readRecord(reader))
    reader.end()
  } catch (cause) {
    // The hash was right, so these bytes are what was written: not a torn tail.
    if (isLfError(cause) && cause.code === "LOG_CORRUPT") throw cause
    throw new LfError("LOG_CORRUPT", "a group with a good checksum does not parse", { cause })
  }
}

function readRecord(reader: ByteReader): LogRecord {
  const type = reader.u8()
  if (type !== TYPE_ENTRY && type !== TYPE_ANCHOR) throw new LfError("LOG_CORRUPT", `record of unknown type ${type}`)
  const stream = reader.text(STREAM_BYTES_MAX)
  if (stream === "") throw new LfError("LOG_CORRUPT", "expected the name of a stream in a record, got an empty one")
  const position = lsn(reader.uint())
  const previousHash = reader.u64()
  const hash = reader.u64()
  return {
    stream,
    lsn: position,
    type: type === TYPE_ENTRY ? "entry" : "anchor",
    payload: reader.bytes(),
    previousHash,
    hash,
  }
}
