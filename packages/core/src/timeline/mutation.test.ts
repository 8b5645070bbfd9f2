import { describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { writePlain } from "../base/plain.ts"
import { asSent, MUTATION_BYTES_MAX, MUTATION_NAME_BYTES_MAX, type Mutation, mutationCodec } from "./mutation.ts"

const uid = "0190b5d2-1111-7222-8333-944455556666"
const mutation: Mutation = { uid, name: "Add", args: { id: 1 }, at: 5.5 }
const malformed = expect.objectContaining({ code: "BYTES_MALFORMED" })

/** An entry as another program may write it. */
function forged({ format = 1, uid: written = uid, at = 1, name = "Add", more = 0 } = {}): Uint8Array {
  const writer = new ByteWriter().u8(format).text(written).f64(at).text(name)
  writePlain(writer, null)
  return writer.raw(new Uint8Array(more)).finish()
}

test("a mutation comes back as it was, and its name alone is read without its arguments", () => {
  const bytes = mutationCodec.encode(mutation)
  expect(mutationCodec.decode(bytes)).toEqual(mutation)
  expect(mutationCodec.nameOf(bytes)).toBe("Add")
  expect(mutationCodec.nameOf(bytes.slice(0, -1))).toBe("Add")
  expect(mutationCodec.decode(forged())).toEqual({ uid, name: "Add", args: null, at: 1 })
})

describe("an entry is refused as malformed (S9)", () => {
  const uids = [uid.toUpperCase(), uid.slice(1), `x${uid.slice(1)}`, `${uid}0`, `\n${uid.slice(1)}`]
  test.each<readonly [string, Uint8Array]>([
    ["of another format", forged({ format: 2 })],
    ["with bytes behind it", forged({ more: 1 })],
    ["without its arguments", mutationCodec.encode(mutation).slice(0, -1)],
    ["whose time is no number", forged({ at: Number.NaN })],
    ["whose time has no end", forged({ at: Number.POSITIVE_INFINITY })],
    ["with a name over its limit", forged({ name: "x".repeat(MUTATION_NAME_BYTES_MAX + 1) })],
    ...uids.map((wrong) => [`whose uid is ${JSON.stringify(wrong)}`, forged({ uid: wrong })] as const),
  ])("%s", (_, bytes) => {
    expect(() => mutationCodec.decode(bytes)).toThrow(malformed)
  })

  test("that is larger than one may be, also when only its name is asked for", () => {
    const large = forged({ more: MUTATION_BYTES_MAX })
    expect(() => mutationCodec.nameOf(large)).toThrow(malformed)
  })
})

test("exactly MUTATION_BYTES_MAX are encoded and decoded, one byte more is refused (S9, T35)", () => {
  const ofBytes = (count: number): Mutation => ({ ...mutation, args: new Uint8Array(count) })
  const around = mutationCodec.encode(ofBytes(MUTATION_BYTES_MAX / 2)).length - MUTATION_BYTES_MAX / 2
  const count = MUTATION_BYTES_MAX - around
  const largest = mutationCodec.encode(ofBytes(count))
  expect(largest).toHaveLength(MUTATION_BYTES_MAX)
  expect(mutationCodec.decode(largest).args).toHaveLength(count)
  expect(() => mutationCodec.encode(ofBytes(count + 1))).toThrow(
    expect.objectContaining({ code: "MUTATION_TOO_LARGE" }),
  )
})

test("what is sent keeps the bytes that it was made of, whatever its caller or a mutator does to the arguments", () => {
  const args = { list: [1] }
  const mutation = { uid: "00000000-0000-7000-8000-000000000000", name: "n", args, at: 1 }
  const bytes = mutationCodec.encode(mutation)
  const sent = asSent(mutation)
  args.list.push(2)
  ;(sent.args as typeof args).list.push(3)
  expect(mutationCodec.encode(sent)).toEqual(bytes)
  expect(mutationCodec.decode(mutationCodec.encode(sent)).args).toEqual({ list: [1] })
})

test("a name may have exactly its limit", () => {
  const longest = { ...mutation, name: "x".repeat(MUTATION_NAME_BYTES_MAX) }
  expect(mutationCodec.decode(mutationCodec.encode(longest))).toEqual(longest)
})
