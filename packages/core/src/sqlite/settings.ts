import { PAGE_BYTES } from "./page.ts"

// How every connection is set up.

/** Bytes of one text or blob, or of one row. */
const VALUE_BYTES_MAX = 16 * 1024 * 1024
/** Bytes of the pattern of a LIKE or GLOB. */
const PATTERN_BYTES_MAX = 1_000
/**
 * Limits of SQLite that lie well below what the stack under its wasm bears (T43): each of these is a recursion, and the
 * numbers beside them are where the build was seen to fail. LENGTH bounds what one value takes of a memory that never
 * shrinks.
 */
export const SQLITE_LIMITS: readonly { readonly id: number; readonly max: number }[] = [
  { id: 0, max: VALUE_BYTES_MAX },
  { id: 3, max: 250 }, // EXPR_DEPTH
  { id: 4, max: 250 }, // COMPOUND_SELECT
  { id: 8, max: PATTERN_BYTES_MAX }, // LIKE and GLOB: 5,000
  { id: 10, max: 100 }, // TRIGGER_DEPTH: a chain of 900 triggers
]

/** auto_vacuum and encoding must be set before the first page is written; durability is the log's, not SQLite's. */
export const PRAGMAS = [
  `pragma page_size=${PAGE_BYTES}`,
  "pragma auto_vacuum=0",
  "pragma encoding='UTF-8'",
  "pragma journal_mode=memory",
  "pragma temp_store=memory",
  "pragma synchronous=off",
  "pragma cache_size=-65536",
  "pragma foreign_keys=on",
  "pragma secure_delete=on",
  "pragma cell_size_check=on",
]
