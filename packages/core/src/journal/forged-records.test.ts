import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter, concatBytes, textToBytes } from "../base/bytes.ts"
import { chainHash, hash64, loadChecksum, pageChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { anchorRecord } from "./chain.ts"
import type { LogRecord } from "./log.ts"
import { decodeLogHeader, encodeLogHeader, pagesChecksum } from "./log-header.ts"
import { openMemoryLog } from "./memory-log.ts"
import { decodeRecords, encodeGroup, recordBytes } from "./record.ts"
import { Streams } from "./streams.ts"

// Bytes and records whose checksums are right, though no encoder wrote them: each check has to hold alone.

beforeAll(loadChecksum)

const GENERATION = 3
const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" })

function entry(position: number, previousHash: bigint, text = "x"): LogRecord {
  const payload = textToBytes(text)
  const hash = chainHash(previousHash, payload)
  return { stream: "s", lsn: lsn(position), type: "entry", payload, previousHash, hash }
}

function recover(records: readonly LogRecord[]): Streams {
  return new Streams({ ...openMemoryLog(), records })
}

describe("groups", () => {
  let first: Uint8Array
  beforeAll(() => {
    first = encodeGroup(GENERATION, [entry(1, 0n)])
  })

  test("a last header that claims more bytes than there are is a torn tail, hash or not (I11)", () => {
    const body = first.subarray(40)
    const group = new ByteWriter()
      .raw(first.subarray(0, 20))
      .u32(body.length + 1)
      .u64(hash64(body))
    const forged = group.u64(hash64(group.finish())).raw(body).finish()
    const decoded = decodeRecords(concatBytes([first, forged]), GENERATION)
    expect([decoded.tail, decoded.goodBytes]).toEqual(["torn", first.length])
  })

  test("a torn group behind a byte that belongs to no group is a torn tail with it (I11)", () => {
    const bytes = concatBytes([first, new Uint8Array(1), first.slice(0, -1)])
    expect(decodeRecords(bytes, GENERATION)).toMatchObject({ tail: "torn", goodBytes: first.length })
  })

  test("a record costs what its group grows by, to a few bytes", () => {
    for (const [text, stream] of [
      ["", "s"],
      ["x".repeat(100), "s"],
      ["x", "s".repeat(100)],
    ]) {
      const record = { ...entry(1, 0n, text), stream }
      const grows = encodeGroup(GENERATION, [record]).length - encodeGroup(GENERATION, []).length
      expect(Math.abs(recordBytes(record) - grows)).toBeLessThan(4)
    }
  })
})

describe("records of a stream", () => {
  let [one, two]: LogRecord[] = []
  beforeAll(() => {
    one = entry(1, 0n)
    two = entry(2, one.hash)
  })

  test("a record whose position is not the next is corruption, though its hashes follow (I11)", () => {
    expect(() => recover([one, { ...two, lsn: lsn(3) }])).toThrow(corrupt)
    expect(() => recover([one, { ...two, lsn: lsn(1) }])).toThrow(corrupt)
  })

  test("a record with another predecessor is corruption, though its own hash is right (I11)", () => {
    expect(() => recover([one, entry(2, one.hash + 1n)])).toThrow(corrupt)
  })

  test("a record whose hash is not that of its bytes is corruption (I11)", () => {
    expect(() => recover([one, { ...two, hash: two.hash + 1n }])).toThrow(corrupt)
  })

  test("an anchor behind records of its stream is corruption (I11)", () => {
    expect(() => recover([one, anchorRecord("s", lsn(2), two.hash)])).toThrow(corrupt)
    expect(() => recover([one, anchorRecord("other", lsn(2), two.hash)])).not.toThrow()
  })
})

describe("header", () => {
  /** `write` fills a body; what is around it is right. */
  function sealed(write: (body: ByteWriter) => void): Uint8Array {
    const body = new ByteWriter()
    write(body)
    const head = new ByteWriter().raw(encodeLogHeader({ generation: 1, checkpoint: null, liveBytes: 0 }).slice(0, 8))
    head.u32(body.length).raw(body.finish())
    return head.u64(hash64(head.finish())).finish()
  }

  test("a checkpoint of an unknown kind is corruption, though it reads like a known one (S9)", () => {
    const ofKind = (kind: number) =>
      sealed((body) => body.uint(9).uint(0).u8(kind).bytes(new Uint8Array(1)).uint(1).u64(5n).uint(2))
    expect(decodeLogHeader(ofKind(2)).header.checkpoint).toMatchObject({ mainGeneration: 2 })
    expect(() => decodeLogHeader(ofKind(3))).toThrow(corrupt)
  })

  test("what a checkpoint says of itself does not change with the bytes that it was read from", () => {
    const bytes = sealed((body) => body.uint(9).uint(0).u8(1).bytes(Uint8Array.of(7)).uint(1).u64(5n))
    const { header } = decodeLogHeader(bytes)
    bytes.fill(0)
    expect(header.checkpoint?.meta).toEqual(Uint8Array.of(7))
  })

  test("the checksum of a checkpoint is that of its pages, counted from 1", () => {
    const [a, b] = [new Uint8Array(4096).fill(1), new Uint8Array(4096).fill(2)]
    expect(pagesChecksum([a, b])).toBe(pageChecksum(1, a) ^ pageChecksum(2, b))
  })

  test("an empty body is refused as one that does not parse, not as bytes that are missing", () => {
    const empty = sealed(() => {})
    const failure = (bytes: Uint8Array) => {
      try {
        return decodeLogHeader(bytes)
      } catch (error) {
        return error
      }
    }
    expect(failure(empty)).toMatchObject({ code: "LOG_CORRUPT", cause: expect.any(LfError) })
    expect(failure(empty.slice(0, -1))).toMatchObject({ code: "LOG_CORRUPT", cause: undefined })
  })
})
