import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter, concatBytes } from "../base/bytes.ts"
import { chainHash, hash64, loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { anchorRecord } from "./chain.ts"
import type { LogRecord } from "./log.ts"
import { decodeRecords, encodeGroup } from "./record.ts"

beforeAll(loadChecksum)

const GENERATION = 7

function entries(stream: string, payloads: readonly Uint8Array[]): LogRecord[] {
  let hash = 0n
  return payloads.map((payload, i) => {
    const previousHash = hash
    hash = chainHash(previousHash, payload)
    return { stream, lsn: lsn(i + 1), type: "entry", payload, previousHash, hash }
  })
}

function groupsOf(counts: readonly number[]): { groups: Uint8Array[]; records: LogRecord[] } {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const records = entries(
    "s",
    Array.from({ length: total }, (_, i) => new Uint8Array([i, i + 1, i + 2])),
  )
  let at = 0
  const groups = counts.map((count) => {
    at += count
    return encodeGroup(GENERATION, records.slice(at - count, at))
  })
  return { groups, records }
}

/** A group with a body of any bytes and checksums that are right. */
function groupOf(count: number, body: Uint8Array): Uint8Array {
  const group = new ByteWriter().raw(encodeGroup(GENERATION, []).subarray(0, 16))
  group.u32(count).u32(body.length).u64(hash64(body))
  return group.u64(hash64(group.finish())).raw(body).finish()
}

describe("record", () => {
  test("records come back as they went in", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.string({ minLength: 1, maxLength: 30, unit: "binary" }),
        (payloads, name) => {
          const records = [anchorRecord(name, lsn(4), 2n ** 64n - 1n), ...entries(name, payloads)]
          const decoded = decodeRecords(encodeGroup(GENERATION, records), GENERATION)
          expect(decoded.records).toEqual(records)
          expect(decoded.tail).toBe("clean")
        },
      ),
    )
  })

  test("a torn tail is cut as a whole group, wherever it tears (I11)", () => {
    const { groups, records } = groupsOf([2, 3])
    const all = concatBytes(groups)
    for (let end = groups[0].length; end < all.length; end++) {
      const decoded = decodeRecords(all.slice(0, end), GENERATION)
      expect(decoded.records).toEqual(records.slice(0, 2))
      expect(decoded.goodBytes).toBe(groups[0].length)
      expect(decoded.tail).toBe(end === groups[0].length ? "clean" : "torn")
    }
  })

  test("every flipped bit before the last group is corruption, in the last group it is cut (I11)", () => {
    const { groups, records } = groupsOf([1, 2, 1])
    const all = concatBytes(groups)
    const lastAt = groups[0].length + groups[1].length
    for (let bit = 0; bit < all.length * 8; bit++) {
      const damaged = all.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      if (bit >> 3 < lastAt) {
        expect(() => decodeRecords(damaged, GENERATION)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
      } else {
        expect(decodeRecords(damaged, GENERATION).records).toEqual(records.slice(0, 3))
      }
    }
  })

  test("a middle group that is cut out or overwritten by zeros is corruption (I11)", () => {
    const { groups } = groupsOf([1, 2, 1])
    const zeroed = concatBytes([groups[0], new Uint8Array(groups[1].length), groups[2]])
    const shortened = concatBytes([groups[0], groups[1].slice(5), groups[2]])
    for (const damaged of [zeroed, shortened])
      expect(() => decodeRecords(damaged, GENERATION)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
  })

  test("a damaged group before another is corruption, even if the other is damaged too (I11)", () => {
    const { groups } = groupsOf([1, 1, 1])
    const damaged = concatBytes(groups)
    damaged[groups[0].length + 45] ^= 1
    damaged[damaged.length - 1] ^= 1
    expect(() => decodeRecords(damaged, GENERATION)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
  })

  test("a header written over another group's is corruption, also if it claims all the rest (I11)", () => {
    const { groups } = groupsOf([9, 1, 1])
    const damaged = concatBytes(groups)
    damaged.copyWithin(groups[0].length, 0, 40)
    expect(() => decodeRecords(damaged, GENERATION)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
  })

  test("a body that no encoder wrote is corruption under a checksum that is right (I11)", () => {
    const [record] = entries("s", [new Uint8Array([1])])
    const body = encodeGroup(GENERATION, [record]).slice(40)
    const changed = (at: number, value: number) => body.map((byte, i) => (i === at ? value : byte))
    const without = concatBytes([body.subarray(0, 1), new Uint8Array(1), body.subarray(3)])
    for (const [count, bytes] of [
      [2, body],
      [0, body],
      [1, changed(0, 3)],
      [1, changed(1, 200)],
      [1, without],
      [1, concatBytes([body, new Uint8Array(1)])],
    ] as const) {
      const group = groupOf(count, bytes)
      expect(() => decodeRecords(group, GENERATION)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    }
    expect(decodeRecords(groupOf(1, body), GENERATION).records).toEqual([record])
  })

  test("zero-filled space and stale records of another generation are a tail to cut (T18)", () => {
    const { groups, records } = groupsOf([2])
    const stale = encodeGroup(GENERATION - 1, records)
    for (const tail of [new Uint8Array(4096), stale, concatBytes([new Uint8Array(9), stale, stale])]) {
      const decoded = decodeRecords(concatBytes([groups[0], tail]), GENERATION)
      expect(decoded).toEqual({ records, goodBytes: groups[0].length, lastGroupAt: 0, tail: "torn" })
    }
  })

  test("a torn group whose payload looks like a group of this generation is still a torn tail", () => {
    const { groups } = groupsOf([2])
    const trick = encodeGroup(GENERATION, entries("s", [groups[0]]))
    expect(decodeRecords(trick.slice(0, -1), GENERATION)).toEqual({
      records: [],
      goodBytes: 0,
      lastGroupAt: 0,
      tail: "torn",
    })
  })

  test("garbage never throws anything but corruption", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeRecords(bytes, GENERATION).records).toEqual([])
      }),
    )
  })

  test("an empty group and an empty log hold nothing", () => {
    expect(decodeRecords(encodeGroup(GENERATION, []), GENERATION).records).toEqual([])
    expect(decodeRecords(new Uint8Array(0), GENERATION)).toEqual({
      records: [],
      goodBytes: 0,
      lastGroupAt: 0,
      tail: "clean",
    })
    expect(anchorRecord("s", LSN_ZERO, 0n).payload.length).toBe(0)
  })
})
