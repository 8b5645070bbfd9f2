import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { quotedName } from "../sqlite/quoted.ts"
import type { Sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { defineMutator } from "../timeline/mutator.ts"
import { migrate } from "../timeline/schema.ts"
import { APP_TABLES, type DocumentSchema, schemaOf } from "./document-at-rest.ts"

/** A column of a table or of a query's result, with the type that SQLite says; "": it says none. */
export interface ProbedColumn {
  readonly name: string
  readonly type: string
  readonly isNotNull: boolean
}

/** An instruction of SQLite's virtual machine, as `explain` has it: https://sqlite.org/opcode.html */
export interface Instruction {
  readonly opcode: string
  readonly p1: number
  readonly p2: number
  readonly p3: number
  readonly p4: string | null
  readonly p5: number
}

/** An empty document with an app's schema, in which statements are prepared and never run. */
export class StatementProbe {
  readonly #db: Database

  /**
   * `joined`: tables as a query over several documents has them, with the document's id in `_doc`.
   * @throws MIGRATION_FAILED with the migration's position from 0
   */
  constructor(module: SqliteModule, migrations: readonly Sql<unknown>[], { joined = false } = {}) {
    this.#db = new Database(module, new Storage())
    try {
      migrate(this.#db, defineMutator({ migrations, mutations: [] }))
      if (joined) this.#addDocs()
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /**
   * Prepares a statement as a mutation or query would, and answers what it compiles to.
   * @throws SQL_ERROR SQL_DENIED SQL_MULTIPLE SQL_BAD_PARAMETER
   */
  explain(text: string, parameterCount: number): Instruction[] {
    const parameters = new Array(parameterCount).fill(null)
    const rows = this.#db.all({ sql: `explain ${text}`, parameters }, "mutation")
    return rows.map(({ opcode, p1, p2, p3, p4, p5 }) => ({
      opcode: String(opcode),
      p1: Number(p1),
      p2: Number(p2),
      p3: Number(p3),
      p4: p4 === null ? null : String(p4),
      p5: Number(p5),
    }))
  }

  /** The instructions that a statement without parameters compiles to: equal for statements that SQLite simplifies to the same. */
  opcodes(text: string): string {
    return this.#db
      .exec(`explain ${text}`)
      .map(({ opcode }) => opcode)
      .join()
  }

  /** The columns of a query without parameters, in order. @throws SQL_ERROR */
  columns(select: string): ProbedColumn[] {
    this.#db.exec(`create temp view lf_probe as ${select}`)
    try {
      return this.#columnsOf("lf_probe")
    } finally {
      this.#db.exec("drop view lf_probe")
    }
  }

  tables(): { readonly name: string; readonly columns: readonly ProbedColumn[] }[] {
    const names = this.#db.exec(APP_TABLES).map(({ name }) => String(name))
    return names.map((name) => ({ name, columns: this.#columnsOf(name) }))
  }

  /** The declared types of the columns that a table stores, in order, in capitals. */
  storedTypes(table: string): string[] {
    // 2: generated when it is read.
    const rows = this.#db.exec("select upper(type) as type from pragma_table_xinfo(?) where hidden <> 2", table)
    return rows.map(({ type }) => String(type))
  }

  /** What makes an empty document of the app's. */
  schema(): DocumentSchema {
    return schemaOf(this.#db)
  }

  close(): void {
    this.#db.close()
  }

  #addDocs(): void {
    const tables = this.#db.exec(`${APP_TABLES.replace(" order by name", "")} and type = 'table'`)
    for (const { name } of tables)
      this.#db.exec(`alter table ${quotedName(String(name))} add column _doc text not null default ''`)
  }

  /** Generated columns are read like others; those of a virtual table that only its functions use are hidden (1). */
  #columnsOf(name: string): ProbedColumn[] {
    const rows = this.#db.exec(
      `select name, upper(type) as type, "notnull" or (pk and upper(type) = 'INTEGER') as isNotNull
        from pragma_table_xinfo(?) where hidden <> 1 order by cid`,
      name,
    )
    return rows.map((row) => ({
      name: String(row.name),
      type: String(row.type),
      isNotNull: row.isNotNull === 1,
    }))
  }
}
