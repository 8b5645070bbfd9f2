import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ByteReader, ByteWriter } from "./bytes.ts"
import { isLfError } from "./error.ts"
import {
  PLAIN_BIGINT_DIGITS_MAX,
  PLAIN_DEPTH_MAX,
  PLAIN_ITEMS_MAX,
  PLAIN_KEY_BYTES_MAX,
  readPlain,
  writePlain,
} from "./plain.ts"

function written(value: unknown): Uint8Array {
  const writer = new ByteWriter()
  writePlain(writer, value)
  return writer.finish()
}

function copyOf(value: unknown): unknown {
  const reader = new ByteReader(written(value))
  const copy = readPlain(reader)
  reader.end()
  return copy
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

const hexDigits = (count: number) => 16n ** BigInt(count) - 1n

describe("plain data", () => {
  const values = fc.anything({
    withBigInt: true,
    withDate: true,
    withNullPrototype: true,
    withSparseArray: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withUnicodeString: true,
    maxDepth: 40,
  })

  test("each value is refused with a code or read back as it was written (T35)", () => {
    fc.assert(
      fc.property(values, (value) => {
        let bytes: Uint8Array
        try {
          bytes = written(value)
        } catch (error) {
          expect(isLfError(error) && error.code).toBe("MUTATION_ARGS_INVALID")
          return
        }
        const reader = new ByteReader(bytes)
        const copy = readPlain(reader)
        reader.end()
        // Encoded again the bytes are the same.
        expect(written(copy)).toEqual(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  test.each<[string, unknown, unknown]>([
    ["a name", { ["k".repeat(PLAIN_KEY_BYTES_MAX)]: 1 }, { ["k".repeat(PLAIN_KEY_BYTES_MAX + 1)]: 1 }],
    ["a name in bytes", { ["€".repeat(PLAIN_KEY_BYTES_MAX / 4)]: 1 }, { ["€".repeat(PLAIN_KEY_BYTES_MAX / 2)]: 1 }],
    ["a bigint", hexDigits(PLAIN_BIGINT_DIGITS_MAX), hexDigits(PLAIN_BIGINT_DIGITS_MAX + 1)],
    ["a negative bigint", -hexDigits(PLAIN_BIGINT_DIGITS_MAX - 1), -hexDigits(PLAIN_BIGINT_DIGITS_MAX + 1)],
    ["nesting", nested(PLAIN_DEPTH_MAX), nested(PLAIN_DEPTH_MAX + 1)],
    ["a list", Array(PLAIN_ITEMS_MAX).fill(0), Array(PLAIN_ITEMS_MAX + 1).fill(0)],
  ])("%s is read at its limit and not written past it (T35)", (_what, at, past) => {
    expect(copyOf(at)).toEqual(at)
    expect(() => written(past)).toThrow(expect.objectContaining({ code: "MUTATION_ARGS_INVALID" }))
  })
})
