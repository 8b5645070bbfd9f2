import { expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { PLAIN_DEPTH_MAX, writePlain } from "../base/plain.ts"
import { hasFields, plainCodec } from "./plain-entry.ts"

const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" })

function plainBytes(value: unknown): Uint8Array {
  const writer = new ByteWriter()
  writePlain(writer, value)
  return writer.finish()
}

test("an entry comes back as it went in", () => {
  const codec = plainCodec<{ name: string }>((entry) => hasFields(entry, { name: "text" }))
  expect(codec.decode(codec.encode({ name: "a" }))).toEqual({ name: "a" })
})

test("no plain data, bytes behind it, or something else than an entry is LOG_CORRUPT (S9)", () => {
  const codec = plainCodec((entry) => hasFields(entry, { name: "text" }))
  const whole = plainBytes({ name: "a" })
  for (const bytes of [new Uint8Array(0), whole.slice(0, -1), Uint8Array.of(...whole, 0)])
    expect(() => codec.decode(bytes)).toThrow(corrupt)
  for (const value of [null, 7, "name", [], {}, { name: 1 }])
    expect(() => codec.decode(plainBytes(value))).toThrow(corrupt)
})

test("hasFields checks the kind of each field", () => {
  const fields = { a: "text", b: "text or null", c: "boolean", d: "number", e: "lsn", f: "lsns" } as const
  const entry = { a: "x", b: null, c: false, d: 0.5, e: 7, f: [1, 2], more: 1 }
  expect(hasFields(entry, fields)).toBe(true)
  expect(hasFields({ ...entry, b: "y", f: [] }, fields)).toBe(true)
  for (const wrong of [{ a: null }, { b: 1 }, { c: 0 }, { d: "1" }, { e: -1 }, { e: 0.5 }, { f: [-1] }, { f: 1 }])
    expect(hasFields({ ...entry, ...wrong }, fields)).toBe(false)
})

test("a text, a function or a list has no fields (S9)", () => {
  for (const value of ["text", 7, () => {}, true]) expect(hasFields(value, {})).toBe(false)
  expect(hasFields("text", { length: "number" })).toBe(false)
  expect(hasFields({ length: 4 }, { length: "number" })).toBe(true)
})

test("arguments of the greatest depth fit inside an entry", () => {
  const codec = plainCodec<{ args: unknown }>((entry) => hasFields(entry, {}))
  let args: unknown = 1
  for (let depth = 0; depth < PLAIN_DEPTH_MAX; depth++) args = [args]
  expect(() => plainBytes(args)).not.toThrow()
  expect(() => plainBytes([args])).toThrow()
  expect(codec.decode(codec.encode({ args }))).toEqual({ args })
})
