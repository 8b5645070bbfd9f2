import { expect, test } from "vitest"
import { ByteWriter, textToBytes } from "../base/bytes.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage, FRAME_TYPES } from "./codec.ts"
import { PUSH_ENTRIES_MAX } from "./message.ts"

const malformed = expect.objectContaining({ code: "FRAME_MALFORMED" })

function refused(ranges: readonly (readonly [from: number, to: number])[]): Uint8Array {
  const writer = new ByteWriter(64).u8(0x1f).u8(FRAME_TYPES.refused).uint(0).uint(ranges.length)
  for (const [from, to] of ranges) writer.uint(from).uint(to).bytes(textToBytes("X"))
  return writer.finish()
}

test("entries past the last position that there is are no frame (S15)", () => {
  const batch = { from: lsn(Number.MAX_SAFE_INTEGER), previousHash: 0n, entries: [new Uint8Array(1)] }
  expect(() => decodeMessage(encodeMessage({ type: "sync-mutations", batch, confirmed: lsn(0) }))).toThrow(malformed)
})

test("ranges that are empty, out of order or too many are no frame (S15)", () => {
  expect(
    decodeMessage(
      refused([
        [0, 1],
        [1, 3],
      ]),
    ),
  ).toMatchObject({ type: "refused" })
  expect(() => decodeMessage(refused([[1, 1]]))).toThrow(malformed)
  expect(() =>
    decodeMessage(
      refused([
        [0, 3],
        [2, 4],
      ]),
    ),
  ).toThrow(malformed)
  const many = Array.from({ length: PUSH_ENTRIES_MAX + 1 }, (_, i) => [i, i + 1] as const)
  expect(() => decodeMessage(refused(many))).toThrow(malformed)
})
