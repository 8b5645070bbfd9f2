import { LfError } from "../base/error.ts"
import type { SqliteModule } from "./module.ts"
import type { SqlValue } from "./value.ts"

export type Row = Record<string, SqlValue>

export const TYPE_INTEGER = 1
export const TYPE_FLOAT = 2
export const TYPE_TEXT = 3
const TYPE_BLOB = 4
export const TYPE_NULL = 5
const DESTRUCTOR_STATIC = 0
const DESTRUCTOR_TRANSIENT = -1
const ARENA_BYTES = 65_536
const SHORT_TEXT_BYTES = 24

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Scratch memory for one statement's texts and blobs: bound as static, valid until the next statement binds. */
export class Arena {
  readonly #module: SqliteModule
  readonly #start: number
  #used = 0

  constructor(module: SqliteModule) {
    this.#module = module
    this.#start = module._sqlite3_malloc(ARENA_BYTES)
  }

  reset(): void {
    this.#used = 0
  }

  /** Where `maxBytes` may be written, or 0 when they do not fit any more. */
  reserve(maxBytes: number): number {
    return maxBytes <= ARENA_BYTES - this.#used ? this.#start + this.#used : 0
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  get module(): SqliteModule {
    return this.#module
  }
}

/** Binds `values` from the first parameter on. Their number must be the statement's. @throws SQL_BAD_PARAMETER */
export function bindAll(arena: Arena, stmt: number, values: readonly SqlValue[]): void {
  const module = arena.module
  const count = module._sqlite3_bind_parameter_count(stmt)
  if (count !== values.length) {
    throw new LfError("SQL_BAD_PARAMETER", `expected ${count} parameters for the statement, got ${values.length}`)
  }
  arena.reset()
  for (let i = 0; i < count; i++) bindOne(arena, stmt, i + 1, values[i])
}

function bindOne(arena: Arena, stmt: number, i: number, value: SqlValue): void {
  const module = arena.module
  if (typeof value === "string") bindText(arena, stmt, i, value)
  else if (typeof value === "number") bindNumber(module, stmt, i, value)
  else if (value === null) module._sqlite3_bind_null(stmt, i)
  else if (typeof value === "bigint") {
    module._sqlite3_bind_int64(stmt, i, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
  } else bindBlob(arena, stmt, i, value)
}

function bindNumber(module: SqliteModule, stmt: number, i: number, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) module._sqlite3_bind_double(stmt, i, value)
  else if (value === (value | 0)) module._sqlite3_bind_int(stmt, i, value)
  else module._sqlite3_bind_int64(stmt, i, value | 0, Math.floor(value / 0x1_0000_0000))
}

function bindText(arena: Arena, stmt: number, i: number, text: string): void {
  const module = arena.module
  const at = arena.reserve(text.length * 3)
  if (at !== 0) {
    const { written } = encoder.encodeInto(text, module.HEAPU8.subarray(at, at + text.length * 3))
    arena.take(written)
    module._sqlite3_bind_text(stmt, i, at, written, DESTRUCTOR_STATIC)
    return
  }
  bindCopied(module, encoder.encode(text), (pointer, bytes) =>
    module._sqlite3_bind_text(stmt, i, pointer, bytes, DESTRUCTOR_TRANSIENT),
  )
}

function bindBlob(arena: Arena, stmt: number, i: number, blob: Uint8Array): void {
  const module = arena.module
  const at = arena.reserve(Math.max(blob.length, 1))
  if (at !== 0) {
    module.HEAPU8.set(blob, at)
    arena.take(Math.max(blob.length, 1))
    module._sqlite3_bind_blob(stmt, i, at, blob.length, DESTRUCTOR_STATIC)
    return
  }
  bindCopied(module, blob, (pointer, bytes) => module._sqlite3_bind_blob(stmt, i, pointer, bytes, DESTRUCTOR_TRANSIENT))
}

/** For what does not fit the arena: SQLite makes its own copy, ours is freed at once. */
function bindCopied(module: SqliteModule, bytes: Uint8Array, bind: (pointer: number, bytes: number) => number): void {
  const pointer = module._sqlite3_malloc(Math.max(bytes.length, 1))
  if (pointer === 0) throw new LfError("SQL_LIMIT", `no memory for a value of ${bytes.length} bytes`)
  module.HEAPU8.set(bytes, pointer)
  const code = bind(pointer, bytes.length)
  module._sqlite3_free(pointer)
  if (code !== 0) throw new LfError("SQL_BAD_PARAMETER", `a value of ${bytes.length} bytes is too large for SQLite`)
}

export function columnNames(module: SqliteModule, stmt: number): string[] {
  const names: string[] = []
  const count = module._sqlite3_column_count(stmt)
  for (let i = 0; i < count; i++) {
    const name = cText(module, module._sqlite3_column_name(stmt, i))
    // Set on a row it would be the row's prototype, not a column (S9).
    if (name === "__proto__") {
      module._sqlite3_finalize(stmt)
      throw new LfError("SQL_ERROR", "a column of the result is named __proto__: name it otherwise with `as`")
    }
    names.push(name)
  }
  return names
}

export function readRow(module: SqliteModule, stmt: number, names: readonly string[]): Row {
  const row: Row = {}
  for (let i = 0; i < names.length; i++) row[names[i]] = readColumn(module, stmt, i)
  return row
}

function readColumn(module: SqliteModule, stmt: number, i: number): SqlValue {
  switch (module._sqlite3_column_type(stmt, i)) {
    case TYPE_INTEGER:
      return readInteger(module, stmt, i)
    case TYPE_FLOAT:
      return module._sqlite3_column_double(stmt, i)
    case TYPE_TEXT: {
      const at = module._sqlite3_column_text(stmt, i)
      return heapText(module.HEAPU8, at, at + module._sqlite3_column_bytes(stmt, i))
    }
    case TYPE_BLOB: {
      const at = module._sqlite3_column_blob(stmt, i)
      return module.HEAPU8.slice(at, at + module._sqlite3_column_bytes(stmt, i))
    }
    default:
      return null
  }
}

function readInteger(module: SqliteModule, stmt: number, i: number): number | bigint {
  const near = module._sqlite3_column_double(stmt, i)
  if (Number.isSafeInteger(near)) return near
  const low = module._sqlite3_column_int64(stmt, i) >>> 0
  return (BigInt(module._getTempRet0()) << 32n) | BigInt(low)
}

/**
 * Allocates a C string; who calls this frees it. `length` is in bytes, without the NUL. No array is made: each would count as memory
 * outside of the heap, for which V8 collects garbage.
 */
export function putText(module: SqliteModule, text: string): { readonly at: number; readonly length: number } {
  const lengthMax = 3 * text.length
  const at = module._sqlite3_malloc(lengthMax + 1)
  const { written: length } = encoder.encodeInto(text, module.HEAPU8.subarray(at, at + lengthMax))
  module.HEAPU8[at + length] = 0
  return { at, length }
}

/** A C string: up to its NUL. */
export function cText(module: SqliteModule, pointer: number): string {
  if (pointer === 0) return ""
  const heap = module.HEAPU8
  return heapText(heap, pointer, heap.indexOf(0, pointer))
}

function heapText(heap: Uint8Array, from: number, to: number): string {
  if (to - from <= SHORT_TEXT_BYTES) {
    // Most texts are short and ASCII: cheaper letter by letter than through the decoder.
    let text = ""
    for (let i = from; i < to; i++) {
      if (heap[i] >= 0x80) return decoder.decode(heap.subarray(from, to))
      text += String.fromCharCode(heap[i])
    }
    return text
  }
  return decoder.decode(heap.subarray(from, to))
}

/** Whether the text between two addresses has more than space, semicolons and comments. */
export function hasStatement(heap: Uint8Array, from: number, to: number): boolean {
  if (from === 0 || from === to) return false
  const text = new TextDecoder().decode(heap.subarray(from, to))
  return /[^\s;]/.test(text.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, ""))
}
