import { ByteWriter, concatBytes, type SeededRandom, textToBytes } from "@lf/core/testing"

/** Above every limit that a target could meet with small inputs, below what would only cost time. */
const INPUT_BYTES_MAX = 32 * 1024
const CHANGES_MAX = 5

const BYTES = [0, 1, 2, 3, 7, 9, 10, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0xfe, 0xff]
const U32 = [0, 1, 0x7f, 0xff, 0x1000, 0x1001, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]
const UINTS = [
  ...[0, 1, 2, 127, 128, 4095, 4096, 4097, 16_383, 16_384, 100_000, 100_001, 262_144, 262_145, 2 ** 28 - 1, 2 ** 28],
  ...[2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1],
].map((value) => new ByteWriter(8).uint(value).finish())
const TOO_LONG = [new Uint8Array(8).fill(0xff), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f)]
const LENGTHS = [...UINTS, ...TOO_LONG]
const KEYS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "0", ""].map((key) =>
  new ByteWriter(32).text(key).finish(),
)
const TEXTS = ["\u0000", "ü", "\u{1f600}", "-0", "NaN", "ffffffffffffffff", "client/", "timeline/"].map(textToBytes)

const CHANGES = {
  flip: 6,
  byte: 5,
  uint: 4,
  u32: 2,
  truncate: 1,
  extend: 1,
  remove: 2,
  repeat: 2,
  move: 1,
  splice: 3,
  insert: 3,
} as const

/** A neighbour of `item`, one to five changes away; `other` gives what is spliced in. */
export function mutate(random: SeededRandom, item: Uint8Array, other: () => Uint8Array): Uint8Array {
  let bytes: Uint8Array = item.slice()
  const changes = 1 + random.below(random.below(CHANGES_MAX) + 1)
  for (let i = 0; i < changes; i++) bytes = change(random, bytes, other)
  return bytes.length > INPUT_BYTES_MAX ? bytes.slice(0, INPUT_BYTES_MAX) : bytes
}

/** `bytes` are written into where their length stays. */
function change(random: SeededRandom, bytes: Uint8Array, other: () => Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1)
  switch (random.weigh(CHANGES)) {
    case "flip":
      if (at < bytes.length) bytes[at] ^= 1 << random.below(8)
      return bytes
    case "byte":
      if (at < bytes.length) bytes[at] = random.chance(0.7) ? random.pick(BYTES) : random.below(256)
      return bytes
    case "uint": {
      const uint = random.pick(LENGTHS)
      return replace(bytes, at, at + (random.chance(0.6) ? 1 : uint.length), uint)
    }
    case "u32":
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, random.pick(U32), true)
      return bytes
    case "truncate":
      return bytes.slice(0, at)
    case "extend":
      return concatBytes([bytes, random.bytes(1 + random.below(16))])
    case "remove":
      return replace(bytes, at, at + blockBytes(random), new Uint8Array(0))
    case "repeat":
      return repeat(random, bytes, at)
    case "move": {
      const to = random.below(bytes.length + 1)
      bytes.copyWithin(to, at, at + blockBytes(random))
      return bytes
    }
    case "splice":
      return splice(random, bytes, at, other())
    case "insert":
      return replace(bytes, at, at, random.pick(random.chance(0.5) ? KEYS : random.chance(0.5) ? LENGTHS : TEXTS))
  }
}

/** The start of one and the end of another, or a piece of the other in the midst of this one. */
function splice(random: SeededRandom, bytes: Uint8Array, at: number, other: Uint8Array): Uint8Array {
  const from = random.below(other.length + 1)
  if (random.chance(0.5)) return concatBytes([bytes.subarray(0, at), other.subarray(from)])
  const block = other.subarray(from, from + blockBytes(random))
  return replace(bytes, at, random.chance(0.5) ? at : at + block.length, block)
}

/** A block twice, or so often that what nests nests too deep. */
function repeat(random: SeededRandom, bytes: Uint8Array, at: number): Uint8Array {
  const block = bytes.subarray(at, at + blockBytes(random))
  const times = random.chance(0.8) ? 1 : Math.min(random.below(100), Math.floor(INPUT_BYTES_MAX / (block.length + 1)))
  return replace(bytes, at, at, concatBytes(Array.from({ length: times }, () => block)))
}

function replace(bytes: Uint8Array, from: number, to: number, block: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, from), block, bytes.subarray(Math.min(to, bytes.length))])
}

/** Mostly small. */
function blockBytes(random: SeededRandom): number {
  return 1 + random.below(2 ** random.below(10))
}
