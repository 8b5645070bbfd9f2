import {
  anchorRecord,
  ByteReader,
  ByteWriter,
  bytesEqual,
  chainHash,
  concatBytes,
  decodeLogHeader,
  decodeRecords,
  encodeGroup,
  encodeLogHeader,
  hash64,
  type LogRecord,
  lsn,
  openMemoryLog,
  Streams,
} from "@lf/core/testing"
import fc from "fast-check"
import { about, checkStable, checkValue, Fault, type Target } from "../target.ts"

const GENERATION = 3
const GROUP_HEADER_BYTES = 40
const RECORD_COUNT_AT = 16

const name = fc.oneof(fc.constantFrom("storage", "arrivals", "client/a"), fc.string({ minLength: 1, maxLength: 12 }))
const payload = fc.uint8Array({ maxLength: 40 })

/** Chained, as a journal makes them. */
const records = fc
  .array(fc.tuple(name, fc.boolean(), fc.array(payload, { maxLength: 3 })), { minLength: 1, maxLength: 3 })
  .map((streams) => [...new Map(streams.map((stream) => [stream[0], stream])).values()].flatMap(chained))

function chained([stream, hasAnchor, payloads]: readonly [string, boolean, readonly Uint8Array[]]): LogRecord[] {
  const made: LogRecord[] = hasAnchor ? [anchorRecord(stream, lsn(7), 77n, [5n, 6n])] : []
  let at = hasAnchor ? 7 : 0
  let hash = hasAnchor ? 77n : 0n
  for (const bytes of payloads) {
    const previousHash = hash
    hash = chainHash(previousHash, bytes)
    made.push({ stream, lsn: lsn(++at), type: "entry", payload: bytes, previousHash, hash })
  }
  return made
}

const groups = fc.array(
  records.map((some) => encodeGroup(GENERATION, some)),
  { minLength: 1, maxLength: 3 },
)

const groupCodec = {
  encode: (some: readonly LogRecord[]) => encodeGroup(GENERATION, some),
  decode: (bytes: Uint8Array) => decodeRecords(bytes, GENERATION).records,
}

const groupTarget: Target = {
  name: "groups",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER"],
  valid: groups.map(concatBytes),
  run(input) {
    const decoded = decodeRecords(input, GENERATION)
    checkValue(decoded.records, input)
    if ((decoded.tail === "clean") !== (decoded.goodBytes === input.length))
      throw new Fault("a tail that is not reported")
    const again = decodeRecords(input.subarray(0, decoded.goodBytes), GENERATION)
    if (again.records.length !== decoded.records.length || again.tail !== "clean")
      throw new Fault("recovered twice (I13)")
    return `${decoded.tail} ${about(decoded.records.length)}`
  },
}

/** The body of a group, behind the number of records that it claims. */
const claimedBodies = records.map((some) => {
  const group = encodeGroup(GENERATION, some)
  return concatBytes([group.subarray(RECORD_COUNT_AT, RECORD_COUNT_AT + 4), group.subarray(GROUP_HEADER_BYTES)])
})

/** Such a body under checksums that are right. */
function decodeClaimed(input: Uint8Array) {
  const claimed = input.length < 4 ? 0 : new ByteReader(input).u32()
  return { claimed, ...decodeRecords(sealedGroup(claimed, input.subarray(4)), GENERATION) }
}

const bodyTarget: Target = {
  name: "group-body",
  codes: ["LOG_CORRUPT"],
  valid: claimedBodies,
  run(input) {
    const { claimed, records: some, tail } = decodeClaimed(input)
    checkValue(some, input)
    if (tail !== "clean" || some.length !== claimed) throw new Fault("a group with right checksums is not clean")
    checkStable(groupCodec, some)
    return `${about(some.length)} ${some[0]?.type}`
  },
}

function sealedGroup(count: number, body: Uint8Array): Uint8Array {
  const group = new ByteWriter(GROUP_HEADER_BYTES + body.length)
  group.u32(0x31474c6c).u32(1).u64(BigInt(GENERATION)).u32(count).u32(body.length).u64(hash64(body))
  return group.u64(hash64(group.finish())).raw(body).finish()
}

const stamp = fc.record({
  meta: payload,
  pageCount: fc.oneof(fc.nat(9), fc.maxSafeNat()),
  pagesChecksum: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
})
const header = fc
  .record({
    generation: fc.oneof(fc.nat(9), fc.maxSafeNat()),
    checkpoint: fc.option(stamp),
    liveBytes: fc.oneof(fc.nat(999), fc.maxSafeNat()),
    isMainEarlier: fc.boolean(),
  })
  .map(({ isMainEarlier, ...one }) => {
    if (one.checkpoint === null || !isMainEarlier || one.generation === 0) return one
    return { ...one, checkpoint: { ...one.checkpoint, mainGeneration: one.generation - 1 } }
  })
const headerCodec = { encode: encodeLogHeader, decode: (bytes: Uint8Array) => decodeLogHeader(bytes).header }

const headerTarget: Target = {
  name: "log-header",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER"],
  valid: fc.tuple(header, payload).map(([one, rest]) => concatBytes([encodeLogHeader(one), rest])),
  run(input) {
    const { header: one, endAt } = decodeLogHeader(input)
    if (!bytesEqual(encodeLogHeader(one), input.subarray(0, endAt))) checkStable(headerCodec, one)
    return `checkpoint ${one.checkpoint !== null}`
  },
}

/** The body of a header under a checksum that is right. */
const headerBodyTarget: Target = {
  name: "log-header-body",
  codes: ["LOG_CORRUPT", "LOG_FORMAT_NEWER"],
  valid: header.map((one) => encodeLogHeader(one).slice(12, -8)),
  run(input) {
    const sealed = new ByteWriter(20 + input.length).u32(0x3148_4c6c).u32(1).u32(input.length).raw(input)
    const { header: one } = decodeLogHeader(sealed.u64(hash64(sealed.finish())).finish())
    checkValue(one, input)
    checkStable(headerCodec, one)
    return `checkpoint ${one.checkpoint !== null}`
  },
}

/** Records that a disk gave back whole, into the streams that they say they are of. */
const streamsTarget: Target = {
  name: "streams",
  codes: ["LOG_CORRUPT"],
  valid: claimedBodies,
  run(input) {
    const { records: some } = decodeClaimed(input)
    const given = some.map(rechained(some))
    const streams = new Streams({ ...openMemoryLog(), records: given })
    checkChains(given)
    for (const stream of streams.names()) {
      const journal = streams.journal(stream, { encode: (entry: Uint8Array) => entry, decode: (bytes) => bytes })
      if (Array.from(journal.iter()).length !== journal.lsn() - journal.start()) throw new Fault("entries are missing")
    }
    return `${about(streams.names().length)} of ${about(some.length)}`
  },
}

/** The records of each stream follow each other, by position and by hash, from an anchor or from nothing. */
function checkChains(some: readonly LogRecord[]): void {
  const last = new Map<string, LogRecord>()
  for (const record of some) {
    const { stream, type, previousHash, hash } = record
    const before = last.get(stream)
    if (type === "entry") {
      const isNext = record.lsn === (before?.lsn ?? 0) + 1 && previousHash === (before?.hash ?? 0n)
      if (!isNext || hash !== chainHash(previousHash, record.payload)) throw new Fault("a broken chain is taken (I11)")
    } else if (before !== undefined && record.lsn > 0) throw new Fault("an anchor in the midst of a stream is taken")
    if (record.lsn === 0) last.delete(stream)
    else last.set(stream, record)
  }
}

/** Every second log has its hashes put right, so that what lies behind them is met too. */
function rechained(all: readonly LogRecord[]): (record: LogRecord) => LogRecord {
  const isRepaired = all.length % 2 === 0
  const last = new Map<string, bigint>()
  return (record) => {
    const previousHash = last.get(record.stream) ?? 0n
    const hash = record.type === "anchor" ? record.hash : chainHash(previousHash, record.payload)
    last.set(record.stream, hash)
    return isRepaired ? { ...record, previousHash, hash } : record
  }
}

export const journalTargets = [groupTarget, bodyTarget, headerTarget, headerBodyTarget, streamsTarget]
