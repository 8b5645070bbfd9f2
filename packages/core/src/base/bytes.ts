import { assert } from "./assert.ts"
import { LfError } from "./error.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const EMPTY = new Uint8Array(0)
const SAFE_HIGH_MAX = 0x1f_ffff
/** Below 128, so that the length is one byte. */
const SHORT_TEXT_CHARS = 64

export function textToBytes(text: string): Uint8Array {
  return encoder.encode(text)
}

/** @throws BYTES_MALFORMED when `bytes` are not UTF-8 */
export function bytesToText(bytes: Uint8Array): string {
  // Most texts are short and ASCII: cheaper letter by letter than through the decoder.
  if (bytes.length <= SHORT_TEXT_CHARS) {
    let text = ""
    let i = 0
    while (i < bytes.length && bytes[i] < 0x80) text += String.fromCharCode(bytes[i++])
    if (i === bytes.length) return text
  }
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new LfError("BYTES_MALFORMED", "text is not UTF-8", { cause })
  }
}

export function bytesToHex(bytes: Uint8Array): string {
  let hex = ""
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0")
  return hex
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && firstDifference(a, b, 0) === a.length)
}

/** The first index from `from` on at which the bytes differ; their length if none does. Both have the same length. */
export function firstDifference(a: Uint8Array, b: Uint8Array, from: number): number {
  const { length } = a
  let at = from
  const near = Math.min(length, from + NEAR_BYTES)
  while (at < near && a[at] === b[at]) at++
  if (at < near) return at
  // Four at a time, where both lie so in their memory that this is possible: pages always do.
  if (length - at >= WORDS_BYTES_MIN && a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    while (at % 4 !== 0) {
      if (a[at] !== b[at]) return at
      at++
    }
    const words = length >>> 2
    const [aWords, bWords] = [
      new Uint32Array(a.buffer, a.byteOffset, words),
      new Uint32Array(b.buffer, b.byteOffset, words),
    ]
    let word = at >>> 2
    while (word < words && aWords[word] === bWords[word]) word++
    at = word << 2
  }
  while (at < length && a[at] === b[at]) at++
  return at
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Most differences are near: they are found without views. */
const NEAR_BYTES = 32
/** Under this two views cost more than they save. */
const WORDS_BYTES_MIN = 256

// Memory of writers that have ended: a buffer costs more to make, and to collect, than what most messages hold.
const SPARE_BYTES = 1_024
const SPARE_BYTES_MAX = 64 * 1_024
const SPARES_MAX = 8
const NO_BYTES = new Uint8Array(0)
const spares: Uint8Array[] = []

/** A growing buffer. Integers are little-endian; `uint` is LEB128 up to 2^53 - 1. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacityBytes = 256) {
    this.#bytes = (capacityBytes <= SPARE_BYTES ? spares.pop() : undefined) ?? new Uint8Array(capacityBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  /** Begins anew in the same memory: what `finish` returned before stays. */
  restart(): this {
    this.#length = 0
    return this
  }

  u8(value: number): this {
    this.#room(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u32(value: number): this {
    this.#room(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
    return this
  }

  u64(value: bigint): this {
    this.#room(8)
    this.#view.setBigUint64(this.#length, value, true)
    this.#length += 8
    return this
  }

  f64(value: number): this {
    this.#room(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
    return this
  }

  uint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, "uint takes a safe integer from 0")
    this.#room(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
    return this
  }

  /** The bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** Length, then bytes. */
  bytes(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes)
  }

  text(text: string): this {
    return this.#asciiText(text) ? this : this.bytes(encoder.encode(text))
  }

  /** A copy of what was written so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** What was written, as the writer's end: its memory goes to the next one, and it must not be used again. */
  end(): Uint8Array {
    const result = this.finish()
    if (this.#bytes.length >= SPARE_BYTES && this.#bytes.length <= SPARE_BYTES_MAX && spares.length < SPARES_MAX) {
      spares.push(this.#bytes)
    }
    this.#bytes = NO_BYTES
    this.#length = 0
    return result
  }

  /** Most texts are names and ids: written letter by letter they cost no encoder. False: nothing was written. */
  #asciiText(text: string): boolean {
    const { length } = text
    if (length > SHORT_TEXT_CHARS) return false
    this.#room(length + 1)
    const at = this.#length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return false
      this.#bytes[at + 1 + i] = code
    }
    this.#bytes[at] = length
    this.#length = at + 1 + length
    return true
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Reads what `ByteWriter` wrote. Every length is checked before anything is allocated. @throws BYTES_MALFORMED */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#bytes[this.#take(1)]
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  uint(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 56; shift += 7) {
      const byte = this.u8()
      if (shift < 28) low += (byte & 0x7f) * 2 ** shift
      else high += (byte & 0x7f) * 2 ** (shift - 28)
      if (byte < 0x80) {
        // 28 bits are in `low`; 25 more fit a safe integer.
        if (high > SAFE_HIGH_MAX * 16 + 15) throw malformed("expected an integer below 2^53, got a larger one")
        return high * 2 ** 28 + low
      }
    }
    throw malformed("expected an integer of at most 8 bytes, got a longer one")
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return length === 0 ? EMPTY : this.#bytes.subarray(at, at + length)
  }

  /** A view, not a copy. `maxBytes` bounds what the length may claim. */
  bytes(maxBytes = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.uint()
    if (length > maxBytes) throw malformed(`expected at most ${maxBytes} bytes, got a length of ${length}`)
    return this.raw(length)
  }

  text(maxBytes = Number.MAX_SAFE_INTEGER): string {
    return bytesToText(this.bytes(maxBytes))
  }

  /** A count of items that each take at least `itemBytesMin`, checked against what is left. */
  count(itemBytesMin = 1): number {
    const count = this.uint()
    if (count * itemBytesMin > this.remaining)
      throw malformed(`got a count of ${count}, which is more than the ${this.remaining} bytes that are left can hold`)
    return count
  }

  /** Checks that nothing follows. @throws BYTES_MALFORMED */
  end(): void {
    if (this.remaining !== 0) throw malformed(`expected the end, got ${this.remaining} more bytes`)
  }

  #take(length: number): number {
    if (length > this.remaining) throw malformed(`expected ${length} more bytes, got ${this.remaining}`)
    const at = this.#at
    this.#at += length
    return at
  }
}

function malformed(message: string): LfError {
  return new LfError("BYTES_MALFORMED", message)
}
