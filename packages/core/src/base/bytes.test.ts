import { expect, test } from "vitest"
import { ByteWriter, bytesEqual, firstDifference } from "./bytes.ts"

test("what a writer ended with stays, whatever the writers after it do in the same memory", () => {
  const made = Array.from({ length: 40 }, (_, i) => {
    const writer = new ByteWriter(i % 2 === 0 ? 1_024 : 16)
    for (let k = 0; k <= i * 10; k++) writer.u8(i)
    return writer.end()
  })
  for (const [i, bytes] of made.entries()) {
    const { length, buffer } = bytes
    expect([length, bytes.every((byte) => byte === i), buffer.byteLength]).toEqual([i * 10 + 1, true, i * 10 + 1])
  }
})

test("the first difference is found from any position, at any place in memory", () => {
  const memory = Uint8Array.from({ length: 2_000 }, (_, i) => (i * 7) % 256)
  for (const [aAt, bAt] of [
    [0, 0],
    [1, 0],
    [4, 8],
    [3, 3],
  ]) {
    for (const at of [0, 1, 31, 32, 33, 300, 511, 512, 1_022, 1_023]) {
      const a = new Uint8Array(memory.slice(0, 1_100).buffer, aAt, 1_024)
      const b = new Uint8Array(new ArrayBuffer(1_100), bAt, 1_024)
      b.set(a)
      expect([firstDifference(a, b, 0), bytesEqual(a, b)]).toEqual([1_024, true])
      b[at] ^= 1
      for (const from of [0, 1, 2, 500, 1_024]) {
        expect(firstDifference(a, b, from)).toBe(from <= at ? at : 1_024)
      }
      expect(bytesEqual(a, b)).toBe(false)
    }
  }
})
