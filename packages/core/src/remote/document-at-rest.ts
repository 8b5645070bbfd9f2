import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { Page } from "../sqlite/page.ts"
import { compileQuery, type Query, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { dropTables, readAllApplied, readMigrations } from "../timeline/internal-tables.ts"

/** The app's tables, without what a virtual table keeps of itself. */
export const APP_TABLES = `select name from pragma_table_list where schema = 'main' and type in ('table', 'virtual')
  and name not like 'sqlite!_%' escape '!' and name not like '!_!_lf!_%' escape '!' order by name`

/** What makes an empty document like another: its schema, our tables included, and the migrations that it has run. */
export interface DocumentSchema {
  readonly statements: readonly string[]
  readonly migrations: readonly string[]
}

/** A document as its pages at rest are. Nothing is written to where they come from. */
export class DocumentAtRest {
  readonly pageCount: number
  readonly #storage: Storage
  readonly #db: Database

  constructor(module: SqliteModule, pages: readonly Page[]) {
    this.pageCount = pages.length
    this.#storage = new Storage(pages)
    this.#db = new Database(module, this.#storage)
  }

  /** @throws SQL_ERROR SQL_DENIED SQL_BAD_PARAMETER SQL_MULTIPLE SQL_CORRUPT */
  query<R>(query: Query<R>): R[] {
    return this.#db.all(compileQuery(query)) as R[] // the author's assertion about the rows
  }

  /** The app's tables, by name, with their rows counted. */
  tables(): { readonly name: string; readonly rows: number }[] {
    const names = this.#db.exec(APP_TABLES).map(({ name }) => String(name))
    return names.map((name) => {
      const [{ n }] = this.query(sql<{ n: number }>`select count(*) as n from ${sql.id(name)}`)
      return { name, rows: n }
    })
  }

  /** Pages that hold nothing: room for what comes. */
  get freePages(): number {
    return this.pageCount - this.#db.pagesUsed
  }

  /** The clients whose mutations are in it, the server's own among them. */
  get clientCount(): number {
    return readAllApplied(this.#db).length
  }

  get migrationCount(): number {
    return readMigrations(this.#db).length
  }

  schema(): DocumentSchema {
    return schemaOf(this.#db)
  }

  /** Its pages without our tables: a SQLite file of the app's own. */
  plainPages(): readonly Page[] {
    dropTables(this.#db)
    this.#storage.commit()
    return [...this.#storage.snapshot()]
  }

  close(): void {
    this.#db.close()
  }
}

export function schemaOf(db: Database): DocumentSchema {
  // What virtual tables keep of themselves is made together with them.
  const rows = db.exec(`select sql from sqlite_schema where sql is not null and name not like 'sqlite!_%' escape '!'
    and name not in (select name from pragma_table_list where schema = 'main' and type = 'shadow') order by rowid`)
  return { statements: rows.map(({ sql: text }) => String(text)), migrations: readMigrations(db) }
}
