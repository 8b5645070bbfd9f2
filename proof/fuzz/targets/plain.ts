import { ByteReader, ByteWriter, mutationCodec, readPlain, writePlain } from "@lf/core/testing"
import fc from "fast-check"
import { about, type Codec, checkStable, checkValue, type Target } from "../target.ts"

const key = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("__proto__", "constructor", "toString", "0", "\0"))

/** Whatever an argument may be: every tag, and keys that would set a prototype. */
export const plainValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: false },
    fc.constantFrom(null, undefined, true, false, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 - 1, 1 - 2 ** 53),
    fc.integer(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
    fc.string({ maxLength: 80, unit: "binary" }),
    fc.uint8Array({ maxLength: 20 }),
    fc.date({ noInvalidDate: false }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map(fromEntries),
  ),
})).value

/** `Object.fromEntries` would do, but says nowhere that `__proto__` is data to it. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [name, value] of entries)
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  return object
}

export const plainCodec: Codec<unknown> = {
  encode(value) {
    const writer = new ByteWriter(256)
    writePlain(writer, value)
    return writer.finish()
  },
  decode(bytes) {
    const reader = new ByteReader(bytes)
    const value = readPlain(reader)
    reader.end()
    return value
  },
}

export const mutation = fc.record({
  uid: fc.uuid(),
  name: fc.string({ maxLength: 20 }),
  args: plainValue,
  at: fc.double({ noNaN: true, noDefaultInfinity: true }),
})

/** Lists and objects in each other, around the depth where it is too much. */
const nested = fc.tuple(fc.integer({ min: 28, max: 40 }), fc.boolean()).map(([depth, isList]) =>
  Uint8Array.of(
    ...Array(depth)
      .fill(isList ? [9, 1] : [10, 1, 1, 97])
      .flat(),
    0,
  ),
)

const plainTarget: Target = {
  name: "plain",
  codes: ["BYTES_MALFORMED"],
  valid: fc.oneof({ arbitrary: plainValue.map(plainCodec.encode), weight: 7 }, { arbitrary: nested, weight: 1 }),
  run(input) {
    const value = plainCodec.decode(input)
    checkValue(value, input)
    checkStable(plainCodec, value)
    return shapeOf(value)
  },
}

const mutationTarget: Target = {
  name: "mutation",
  codes: ["BYTES_MALFORMED"],
  valid: mutation.map(mutationCodec.encode),
  run(input) {
    const decoded = mutationCodec.decode(input)
    checkValue(decoded, input)
    checkStable(mutationCodec, decoded)
    return `name ${about(decoded.name.length)} ${shapeOf(decoded.args)}`
  },
}

function shapeOf(value: unknown): string {
  if (value === null || typeof value !== "object") return `${typeof value}${Object.is(value, -0) ? " -0" : ""}`
  if (Array.isArray(value)) return `list ${about(value.length)} of ${typeof value[0]}`
  if (value instanceof Uint8Array) return `bytes ${about(value.length)}`
  if (value instanceof Date) return `date ${Number.isNaN(value.getTime())}`
  return `object ${about(Object.keys(value).length)}${Object.hasOwn(value, "__proto__") ? " __proto__" : ""}`
}

export const plainTargets = [plainTarget, mutationTarget]
