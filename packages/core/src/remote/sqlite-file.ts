import { LfError, toLfError } from "../base/error.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { quotedName } from "../sqlite/quoted.ts"
import type { Row } from "../sqlite/statement.ts"
import { Storage } from "../storage/storage.ts"
import { APP_TABLES } from "./document-at-rest.ts"
import { pagesFrom } from "./restore.ts"

export interface FileTable {
  readonly name: string
  readonly columns: readonly string[]
}

/** A SQLite file of any origin, checked, for reading its rows. The caller closes it. */
export class SqliteFile {
  readonly #db: Database

  /** @throws IMPORT_INVALID */
  constructor(module: SqliteModule, bytes: Uint8Array) {
    this.#db = new Database(module, new Storage(pagesFrom(bytes, invalid)))
    try {
      const [first] = this.#db.exec("pragma integrity_check(1)")
      if (first?.integrity_check !== "ok") throw invalid(`it is damaged: ${first?.integrity_check}`)
    } catch (cause) {
      this.#db.close()
      throw cause instanceof LfError && cause.code === "IMPORT_INVALID"
        ? cause
        : invalid(toLfError(cause, "IMPORT_INVALID").message, cause)
    }
  }

  /** Its tables, without those that a virtual table makes of other tables' rows. @throws IMPORT_INVALID */
  tables(): FileTable[] {
    const all = this.#db.exec(APP_TABLES).map(({ name }) => String(name))
    return all.filter((name) => this.#hasRowsOfItsOwn(name)).map((name) => ({ name, columns: this.#columnsOf(name) }))
  }

  each({ name, columns }: FileTable, visit: (row: Row) => void): void {
    this.#db.each(`select ${columns.map(quotedName).join(", ")} from ${quotedName(name)}`, visit)
  }

  close(): void {
    this.#db.close()
  }

  #columnsOf(table: string): string[] {
    return this.#db
      .exec("select name from pragma_table_xinfo(?) where hidden = 0", table)
      .map(({ name }) => String(name))
  }

  #hasRowsOfItsOwn(name: string): boolean {
    const [{ sql = "" } = {}] = this.#db.exec("select sql from sqlite_schema where name = ?", name)
    if (!/^\s*create\s+virtual/i.test(String(sql))) return true
    if (/\bcontent\s*=/i.test(String(sql))) return false
    throw invalid(
      `"${name}" is a virtual table with rows of its own: leave it out, and import the rows from JSON lines`,
    )
  }
}

function invalid(why: string, cause?: unknown): LfError {
  return new LfError("IMPORT_INVALID", `the file cannot be imported: ${why}`, { cause })
}
