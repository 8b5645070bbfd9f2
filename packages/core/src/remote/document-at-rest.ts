import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { Page } from "../sqlite/page.ts"
import { compileQuery, type Query, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { readAllApplied, readMigrations } from "../timeline/internal-tables.ts"

const APP_TABLES = `select name from pragma_table_list where schema = 'main' and type in ('table', 'virtual')
  and name not like 'sqlite!_%' escape '!' and name not like '!_!_lf!_%' escape '!' order by name`

/** A document as its pages at rest are: read, never written. */
export class DocumentAtRest {
  readonly pageCount: number
  readonly #db: Database

  constructor(module: SqliteModule, pages: readonly Page[]) {
    this.pageCount = pages.length
    this.#db = new Database(module, new Storage(pages))
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

  close(): void {
    this.#db.close()
  }
}
