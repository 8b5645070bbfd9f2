import { LfError } from "../base/error.ts"

/** What SQLite stores. Integers beyond 2^53 come back as bigint, all others as number. */
export type SqlValue = null | number | bigint | string | Uint8Array

/** What may be bound: a boolean binds 0 or 1. */
export type SqlArg = SqlValue | boolean

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * `value` as SQLite stores it.
 * @throws SQL_BAD_PARAMETER for undefined, NaN, Date, a bigint over 64 bits, and everything else that is not a value
 */
export function toSqlValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "string":
      return value
    case "boolean":
      return value ? 1 : 0
    case "number":
      if (Number.isNaN(value)) throw bad("NaN")
      return value
    case "bigint":
      if (value < INT64_MIN || value > INT64_MAX) throw bad("a bigint over 64 bits")
      return value
    case "object":
      if (value === null || value instanceof Uint8Array) return value
      throw bad(value instanceof Date ? "a Date (bind its number or its ISO text)" : "an object")
    default:
      throw bad(typeof value)
  }
}

function bad(what: string): LfError {
  return new LfError(
    "SQL_BAD_PARAMETER",
    `expected null, a number, bigint, string, boolean or Uint8Array to bind, got ${what}`,
  )
}
