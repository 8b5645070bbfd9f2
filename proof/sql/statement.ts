import { type Sql, type SqlMode, type SqlValue, sql } from "@lf/core/testing"
import type { Schema } from "./schema.ts"

/**
 * One statement for two engines. Its result columns stand apart from the rest, because each side prints a value and its
 * type in its own way: ours through the binding, the shell as text.
 */
export interface Statement {
  readonly head: Sql
  readonly columns: readonly Sql[]
  readonly tail: Sql
  readonly mode: SqlMode
  /**
   * What is compared after it: changes(), and last_insert_rowid() where it is a row of this statement. What FTS5 leaves
   * there is its own affair, and a restart forgets it.
   */
  readonly counts: "changes" | "rowid" | null
  /** The schema after it, if it succeeds. */
  readonly next?: Schema
}

export const COUNTS = {
  changes: "select changes() as counts",
  rowid: "select changes() || iif(changes() > 0, ',' || last_insert_rowid(), '') as counts",
}

/** Text that is SQL already. */
export function raw(text: string): Sql {
  return sql(Object.assign([text], { raw: [text] }))
}

export function join(parts: readonly Sql[], between = " "): Sql {
  return parts.slice(1).reduce((joined, part) => sql`${joined}${raw(between)}${part}`, parts[0] ?? raw(""))
}

export function select(columns: readonly Sql[], tail: Sql, mode: SqlMode = "query"): Statement {
  return { head: raw("select "), columns, tail: sql` ${tail}`, mode, counts: null }
}

export function effect(head: Sql, options: { mode?: SqlMode; counts?: "changes"; next?: Schema } = {}): Statement {
  return { head, columns: [], tail: raw(""), mode: "mutation", counts: null, ...options }
}

/** As ours runs it: every value and its type, parameters bound. */
export function forOurs({ head, columns, tail }: Statement): Sql {
  const typed = columns.map((column, i) => sql`${column} as ${raw(`v${i}`)}, typeof(${column}) as ${raw(`t${i}`)}`)
  return sql`${head}${join(typed, ", ")}${tail}`
}

/** As the shell runs it: every value as one word, parameters written out. */
export function forNative({ head, columns, tail }: Statement): string {
  return inline(sql`${head}${join(columns.map(word), ", ")}${tail}`)
}

/** The shell's ieee754() gives a real to its last bit: as decimal text the two versions round differently. */
function word(column: Sql): Sql {
  return sql`case typeof(${column}) when 'null' then 'n' when 'integer' then 'i'||(${column})
    when 'real' then iif((${column}) = 0, 'r0', 'r'||ieee754(${column}))
    when 'text' then 't'||hex(${column}) else 'b'||hex(${column}) end`
}

export function inline({ sql: text, parameters }: Sql): string {
  const parts = text.replaceAll(/\s*\n\s*/g, " ").split("?")
  if (parts.length !== parameters.length + 1) throw new Error(`a question mark too many: ${text}`)
  return parts.map((part, i) => (i < parameters.length ? part + literal(parameters[i]) : part)).join("")
}

/** An expression without affinity, like a parameter: a bare cast would compare by other rules. */
function literal(value: SqlValue): string {
  if (value === null) return "null"
  if (value instanceof Uint8Array) return `x'${hexOf(value)}'`
  if (typeof value === "string") {
    // A script is read line by line, and C ends a text at its NUL.
    return /[\0\n]/.test(value)
      ? `(cast(x'${hexOf(Buffer.from(value))}' as text)||'')`
      : `'${value.replaceAll("'", "''")}'`
  }
  if (typeof value === "bigint") return `(${value})`
  if (!Number.isFinite(value)) return value > 0 ? "9e999" : "(-9e999)"
  const text = String(value)
  return `(${Number.isSafeInteger(value) || /[.e]/.test(text) ? text : `${text}.0`})`
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex").toUpperCase()
}
