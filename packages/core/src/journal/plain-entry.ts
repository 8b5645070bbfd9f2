import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { readPlain, writePlain } from "../base/plain.ts"
import type { EntryCodec } from "./journal.ts"

const isLsn = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0

const KINDS = {
  text: (value: unknown) => typeof value === "string",
  "text or null": (value: unknown) => typeof value === "string" || value === null,
  boolean: (value: unknown) => typeof value === "boolean",
  number: (value: unknown) => typeof value === "number",
  lsn: isLsn,
  lsns: (value: unknown) => Array.isArray(value) && value.every(isLsn),
} as const satisfies Record<string, (value: unknown) => boolean>

/** Whether `value` is an object whose fields hold what is said of them. Others may be there too. */
export function hasFields(value: unknown, fields: Readonly<Record<string, keyof typeof KINDS>>): boolean {
  if (typeof value !== "object" || value === null) return false
  const object = value as Readonly<Record<string, unknown>> // any object can be asked for a field
  return Object.entries(fields).every(([name, kind]) => KINDS[kind](object[name]))
}

/** An entry holds arguments, or what a `Reject` carried, so far inside itself: they may be as deep as they may be alone. */
const OUTERMOST = -4

/**
 * Entries as plain data, for streams that only this side writes. The checksums of a record detect what a disk does to it;
 * what decodes to something else than an entry was not written by this code, and throws before it is used.
 * Decoding throws LOG_CORRUPT.
 */
export function plainCodec<T>(isEntry: (value: unknown) => boolean): EntryCodec<T> {
  return {
    encode(entry) {
      const writer = new ByteWriter(128)
      writePlain(writer, entry, OUTERMOST)
      return writer.end()
    },
    decode(bytes) {
      const entry = decodePlain(bytes)
      if (!isEntry(entry)) throw new LfError("LOG_CORRUPT", "expected another shape of an entry than it has")
      return entry as T // `isEntry` says so
    },
  }
}

function decodePlain(bytes: Uint8Array): unknown {
  try {
    const reader = new ByteReader(bytes)
    const entry = readPlain(reader, OUTERMOST)
    reader.end()
    return entry
  } catch (cause) {
    throw new LfError("LOG_CORRUPT", "an entry is not plain data", { cause })
  }
}
