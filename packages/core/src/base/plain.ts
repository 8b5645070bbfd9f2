import { type ByteReader, type ByteWriter, textToBytes } from "./bytes.ts"
import { LfError } from "./error.ts"

/** How deep arguments may nest, and how many items one list or object may have. */
export const PLAIN_DEPTH_MAX = 32
export const PLAIN_ITEMS_MAX = 100_000
/** A name in an object, and a bigint: about 5,000 digits. Longer ones are data for a text or for bytes. */
export const PLAIN_KEY_BYTES_MAX = 64 * 1024
export const PLAIN_BIGINT_DIGITS_MAX = 4096

const TAG = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  integer: 4,
  negative: 5,
  bigint: 6,
  text: 7,
  bytes: 8,
  list: 9,
  object: 10,
  date: 11,
  undefined: 12,
} as const

/**
 * Plain data: null, boolean, number, bigint, string, Uint8Array, Date, arrays and objects of these. What JSON has, and
 * the three that SQLite or a schema may want besides.
 * Takes exactly what `readPlain` gives back.
 * @throws MUTATION_ARGS_INVALID for functions, symbols, class instances, and what is over a limit above
 */
export function writePlain(writer: ByteWriter, value: unknown, depth = 0): void {
  if (depth > PLAIN_DEPTH_MAX) throw invalid(`expected data of at most ${PLAIN_DEPTH_MAX} levels, got more`)
  switch (typeof value) {
    case "boolean":
      writer.u8(value ? TAG.true : TAG.false)
      return
    case "number":
      writeNumber(writer, value)
      return
    case "bigint":
      writeBigint(writer, value)
      return
    case "string":
      writer.u8(TAG.text).text(value)
      return
    case "undefined":
      writer.u8(TAG.undefined)
      return
    case "object":
      writeObject(writer, value, depth)
      return
    default:
      throw invalid(`expected plain data as an argument, got a ${typeof value}`)
  }
}

/** @throws BYTES_MALFORMED */
export function readPlain(reader: ByteReader, depth = 0): unknown {
  if (depth > PLAIN_DEPTH_MAX) throw malformed(`expected data of at most ${PLAIN_DEPTH_MAX} levels, got more`)
  switch (reader.u8()) {
    case TAG.null:
      return null
    case TAG.false:
      return false
    case TAG.true:
      return true
    case TAG.number:
      return reader.f64()
    case TAG.integer:
      return reader.uint()
    case TAG.negative:
      return -reader.uint()
    case TAG.bigint:
      return readBigint(reader.text(PLAIN_BIGINT_DIGITS_MAX + 1))
    case TAG.text:
      return reader.text()
    case TAG.bytes:
      return reader.bytes().slice()
    case TAG.date:
      return new Date(reader.f64())
    case TAG.undefined:
      return undefined
    case TAG.list:
      return readList(reader, depth)
    case TAG.object:
      return readObject(reader, depth)
    default:
      throw malformed("expected the tag of a kind of plain data, got an unknown one")
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) writer.u8(TAG.number).f64(value)
  else if (value >= 0) writer.u8(TAG.integer).uint(value)
  else writer.u8(TAG.negative).uint(-value)
}

function writeObject(writer: ByteWriter, value: object | null, depth: number): void {
  if (value === null) writer.u8(TAG.null)
  else if (value instanceof Uint8Array) writer.u8(TAG.bytes).bytes(value)
  else if (value instanceof Date) writer.u8(TAG.date).f64(value.getTime())
  else if (Array.isArray(value)) {
    checkItems(value.length)
    writer.u8(TAG.list).uint(value.length)
    for (const item of value) writePlain(writer, item, depth + 1)
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      throw invalid("expected plain data as an argument, got an instance of a class")
    const entries = Object.entries(value)
    checkItems(entries.length)
    writer.u8(TAG.object).uint(entries.length)
    for (const [key, item] of entries) {
      checkKey(key)
      writer.text(key)
      writePlain(writer, item, depth + 1)
    }
  }
}

function checkKey(key: string): void {
  // UTF-8 takes three bytes for a UTF-16 unit at the most: short names need not be counted.
  if (key.length * 3 <= PLAIN_KEY_BYTES_MAX || textToBytes(key).length <= PLAIN_KEY_BYTES_MAX) return
  throw invalid(`expected property names of at most ${PLAIN_KEY_BYTES_MAX} bytes, got a longer one`)
}

function writeBigint(writer: ByteWriter, value: bigint): void {
  const hex = value.toString(16)
  if (hex.length > PLAIN_BIGINT_DIGITS_MAX)
    throw invalid(`expected a bigint of at most ${PLAIN_BIGINT_DIGITS_MAX} hex digits, got ${hex.length}`)
  writer.u8(TAG.bigint).text(hex)
}

function readList(reader: ByteReader, depth: number): unknown[] {
  const count = reader.count()
  if (count > PLAIN_ITEMS_MAX) throw malformed(`expected at most ${PLAIN_ITEMS_MAX} items, got ${count}`)
  const list: unknown[] = []
  for (let i = 0; i < count; i++) list.push(readPlain(reader, depth + 1))
  return list
}

/** A plain object. Keys are data: `__proto__` becomes an own property and never a prototype (S9). */
function readObject(reader: ByteReader, depth: number): object {
  const count = reader.count(2)
  if (count > PLAIN_ITEMS_MAX) throw malformed(`expected at most ${PLAIN_ITEMS_MAX} items, got ${count}`)
  const object = {}
  for (let i = 0; i < count; i++) {
    const key = reader.text(PLAIN_KEY_BYTES_MAX)
    const value = readPlain(reader, depth + 1)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

function readBigint(hex: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(hex)) throw malformed("expected the hex digits of a bigint, got other text")
  return hex.startsWith("-") ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function checkItems(count: number): void {
  if (count > PLAIN_ITEMS_MAX) throw invalid(`expected at most ${PLAIN_ITEMS_MAX} items, got ${count}`)
}

function invalid(message: string): LfError {
  return new LfError("MUTATION_ARGS_INVALID", message)
}

function malformed(message: string): LfError {
  return new LfError("BYTES_MALFORMED", message)
}
