import type { SqliteModule } from "./module.ts"
import { type Row, readRow, TYPE_FLOAT, TYPE_INTEGER, TYPE_NULL, TYPE_TEXT } from "./statement.ts"
import type { SqlValue } from "./value.ts"

/** Rows of the last run that one row is compared with: what one change inserts or removes is passed over. */
const LOOKAHEAD_ROWS = 3

/**
 * Reads the rows of a query that ran before, when `before` were its rows. One that is equal is the same object again, and
 * nothing of it is decoded: of a hundred rows a change mostly leaves ninety-nine.
 */
export class RowReader {
  readonly #module: SqliteModule
  readonly #stmt: number
  readonly #names: readonly string[]
  readonly #before: readonly Row[]
  #at = 0

  constructor(
    module: SqliteModule,
    { stmt, names }: { stmt: number; names: readonly string[] },
    before: readonly Row[],
  ) {
    this.#module = module
    this.#stmt = stmt
    this.#names = names
    // Another schema has other columns, and then no row is the same.
    this.#before = before.length > 0 && Object.keys(before[0]).length === names.length ? before : []
  }

  read(): Row {
    const end = Math.min(this.#before.length, this.#at + LOOKAHEAD_ROWS)
    for (let at = this.#at; at < end; at++) {
      if (!this.#isSame(this.#before[at])) continue
      this.#at = at + 1
      return this.#before[at]
    }
    return readRow(this.#module, this.#stmt, this.#names)
  }

  #isSame(row: Row): boolean {
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i]
      if (!Object.hasOwn(row, name) || !this.#isSameColumn(i, row[name])) return false
    }
    return true
  }

  /** False also where only decoding would show it. */
  #isSameColumn(i: number, value: SqlValue): boolean {
    const [module, stmt] = [this.#module, this.#stmt]
    const type = module._sqlite3_column_type(stmt, i)
    if (typeof value === "string") return type === TYPE_TEXT && this.#isSameText(i, value)
    if (typeof value === "number") {
      const isNumber = type === TYPE_FLOAT || (type === TYPE_INTEGER && Number.isSafeInteger(value))
      return isNumber && module._sqlite3_column_double(stmt, i) === value
    }
    return value === null && type === TYPE_NULL
  }

  /** Letter by letter, which is right for ASCII alone. */
  #isSameText(i: number, text: string): boolean {
    const at = this.#module._sqlite3_column_text(this.#stmt, i)
    if (this.#module._sqlite3_column_bytes(this.#stmt, i) !== text.length) return false
    const heap = this.#module.HEAPU8
    for (let k = 0; k < text.length; k++) {
      const byte = heap[at + k]
      if (byte >= 0x80 || byte !== text.charCodeAt(k)) return false
    }
    return true
  }
}
