import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { hash64, loadChecksum } from "../base/checksum.ts"
import { decodeLogHeader, encodeLogHeader, type LogHeader, pagesChecksum } from "./log-header.ts"
import { decodeRecords, encodeGroup } from "./record.ts"

beforeAll(loadChecksum)

const header = {
  generation: 2 ** 40,
  liveBytes: 7,
  checkpoint: { meta: new Uint8Array([1, 2]), pageCount: 3, pagesChecksum: 2n ** 64n - 1n },
}

const earlier = { ...header, checkpoint: { ...header.checkpoint, mainGeneration: 2 ** 33 } }

/** `bytes` as a later version would write them: another format, and its checksum over `hashedBytes` right. */
function ofLaterFormat(bytes: Uint8Array, hashedBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer)
  view.setUint32(4, 3, true)
  view.setBigUint64(hashedBytes, hash64(bytes.subarray(0, hashedBytes)), true)
  return bytes
}

describe("log header", () => {
  test("comes back as it went in, with its end", () => {
    for (const given of [header, earlier, { ...header, checkpoint: null }]) {
      const bytes = encodeLogHeader(given)
      expect(decodeLogHeader(new Uint8Array([...bytes, 9, 9]))).toEqual({ header: given, endAt: bytes.length })
    }
  })

  test("every flipped bit and every cut is detected (I11)", () => {
    const bytes = encodeLogHeader(header)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)
      expect(() => decodeLogHeader(damaged)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
      expect(() => decodeLogHeader(bytes.slice(0, bit >> 3))).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    }
  })

  test("only a log whose main is of an earlier generation has format 2 (T20)", () => {
    const formatOf = (given: LogHeader) => new DataView(encodeLogHeader(given).buffer).getUint32(4, true)
    expect([header, { ...header, checkpoint: null }, earlier].map(formatOf)).toEqual([1, 1, 2])
  })

  test("a body that does not parse is LOG_CORRUPT under a checksum that is right (S9)", () => {
    const bytes = encodeLogHeader(header)
    const body = bytes.slice(12, -8)
    const kindAt = new ByteWriter().uint(header.generation).uint(header.liveBytes).length
    const ofKind = (kind: number) => body.map((byte, at) => (at === kindAt ? kind : byte))
    const changes = [body.slice(0, -1), new Uint8Array([...body, 0]), new Uint8Array(0), ofKind(2), ofKind(3)]
    for (const changed of changes) {
      const head = new ByteWriter().raw(bytes.subarray(0, 8)).u32(changed.length).raw(changed)
      const sealed = head.u64(hash64(head.finish())).finish()
      expect(() => decodeLogHeader(sealed)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    }
  })

  test("a log whose main would be its own or a later one is LOG_CORRUPT (S9)", () => {
    for (const mainGeneration of [header.generation, header.generation + 1]) {
      const bytes = encodeLogHeader({ ...header, checkpoint: { ...header.checkpoint, mainGeneration } })
      expect(() => decodeLogHeader(bytes)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    }
  })

  test("a header or records of a newer format are LOG_FORMAT_NEWER (T20)", () => {
    const bytes = encodeLogHeader(header)
    const newer = expect.objectContaining({ code: "LOG_FORMAT_NEWER" })
    expect(() => decodeLogHeader(ofLaterFormat(bytes, bytes.length - 8))).toThrow(newer)
    expect(() => decodeRecords(ofLaterFormat(encodeGroup(1, []), 32), 1)).toThrow(newer)
  })

  test("the pages' checksum depends on each page and its place", () => {
    const [a, b] = [new Uint8Array(4096).fill(1), new Uint8Array(4096).fill(2)]
    const sums = [[], [a], [b], [a, b], [b, a], [a, a]].map(pagesChecksum)
    expect(new Set(sums).size).toBe(sums.length)
  })
})
