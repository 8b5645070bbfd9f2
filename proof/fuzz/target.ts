import { bytesEqual, type ErrorCode } from "@lf/core/testing"
import type fc from "fast-check"

/** One decoder of outside bytes, with what it may answer. */
export interface Target {
  readonly name: string
  /** What it may throw: anything else is a fault. */
  readonly codes: readonly ErrorCode[]
  /** Inputs that it accepts: where a corpus begins. */
  readonly valid: fc.Arbitrary<Uint8Array>
  /** Decodes, checks what came out, and returns its shape in a word or two: a new shape is worth keeping. */
  run(input: Uint8Array): string | Promise<string>
}

/** A law that did not hold for an input, where the decoder itself noticed nothing. */
export class Fault extends Error {
  override readonly name = "Fault"
}

export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/** What was decoded is encoded, decoded and encoded again: the bytes are the same. */
export function checkStable<T>({ encode, decode }: Codec<T>, value: T): void {
  const once = encode(value)
  const twice = encode(decode(once))
  if (!bytesEqual(once, twice)) throw new Fault("decoding what was encoded gives something else")
}

/** A decoded value may take this many bytes per byte of its input, and as many besides. */
const BYTES_PER_BYTE = 64
const BYTES_BESIDE = 64 * 1024

const REPLACEMENT = "\ufffd"
const REPLACEMENT_BYTES = [0xef, 0xbf, 0xbd]

/** Nothing is larger than its input can pay for, no key became a prototype (S9), and no text was guessed. */
export function checkValue(value: unknown, input: Uint8Array): void {
  const { bytes, isReplaced } = weigh(value)
  if (bytes > input.length * BYTES_PER_BYTE + BYTES_BESIDE) throw new Fault(`${input.length} bytes became ${bytes}`)
  if (isReplaced && !holdsReplacement(input)) throw new Fault("text that is not UTF-8 was taken")
}

function holdsReplacement(input: Uint8Array): boolean {
  return input.some((_, i) => REPLACEMENT_BYTES.every((byte, j) => input[i + j] === byte))
}

interface Weight {
  readonly bytes: number
  readonly isReplaced: boolean
}

function weigh(value: unknown): Weight {
  if (typeof value === "string") return { bytes: value.length * 2, isReplaced: value.includes(REPLACEMENT) }
  if (typeof value !== "object" || value === null || value instanceof Date) return { bytes: 8, isReplaced: false }
  if (value instanceof Uint8Array) return { bytes: value.byteLength, isReplaced: false }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && !Array.isArray(value))
    throw new Fault("an object got a prototype from its input")
  let bytes = 16
  let isReplaced = false
  for (const [key, item] of Object.entries(value)) {
    const weight = weigh(item)
    bytes += weight.bytes + (Array.isArray(value) ? 0 : key.length * 2)
    isReplaced ||= weight.isReplaced || key.includes(REPLACEMENT)
  }
  return { bytes, isReplaced }
}

/** A size as part of a shape: 0, 1, 2, then powers of two. */
export function about(size: number): string {
  return size < 3 ? String(size) : `~${2 ** Math.floor(Math.log2(size))}`
}
