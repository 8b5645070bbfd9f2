import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import type { OpenedLog } from "../journal/log.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { quotedName } from "../sqlite/quoted.ts"
import { sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import type { SqlValue } from "../sqlite/value.ts"
import { addMigration } from "../timeline/internal-tables.ts"
import { APP_TABLES, type DocumentSchema } from "./document-at-rest.ts"
import { closeDatabaseAndLog, RemoteStore } from "./remote-store.ts"
import { MUTATION_PAGES_MAX } from "./size-watch.ts"

/** How often the document's size is looked at. */
const SIZE_ROWS = 10_000

/** A column that rows may be given for, and its declared type in capital letters. */
export interface ImportColumn {
  readonly name: string
  readonly type: string
}

/** A row refers to one that is not there. */
export interface MissingParent {
  readonly table: string
  readonly parent: string
  /** The values of the row's columns that refer to it. */
  readonly values: Readonly<Record<string, SqlValue>>
}

export interface ImportOptions {
  readonly opened: OpenedLog
  readonly module: SqliteModule
  readonly host: Host
  /** For a new document: its tables, and the migrations that made them. */
  readonly schema?: DocumentSchema
  readonly pagesMax?: number
}

/**
 * Adds rows from outside to a document that no server has open, in one transaction and without a mutation: either all are
 * kept, as one new generation of its log, or none. Clients get them as pages, as after any other change (S18).
 */
export class RowImport {
  readonly #store: RemoteStore
  readonly #db: Database
  readonly #pagesMax: number
  readonly #columns = new Map<string, readonly ImportColumn[]>()
  readonly #inserts = new Map<string, string>()
  rows = 0

  private constructor(store: RemoteStore, db: Database, pagesMax: number) {
    this.#store = store
    this.#db = db
    this.#pagesMax = pagesMax
  }

  /** @throws LOG_CORRUPT IMPORT_INVALID; the log is closed then */
  static async open({ opened, module, host, schema, pagesMax }: ImportOptions): Promise<RowImport> {
    const store = new RemoteStore(opened, host)
    const db = new Database(module, store.storage)
    try {
      db.setClock(() => host.nowMs())
      db.exec("begin immediate")
      if (schema !== undefined) createSchema(db, schema)
      // Tables come in any order, and rows may refer to later ones.
      db.exec("pragma defer_foreign_keys=on")
      return new RowImport(store, db, Math.min(pagesMax ?? MUTATION_PAGES_MAX, MUTATION_PAGES_MAX))
    } catch (error) {
      await closeDatabaseAndLog(db, store.streams)
      throw error
    }
  }

  /** The columns of a table of the app's. @throws IMPORT_INVALID */
  columnsOf(table: string): readonly ImportColumn[] {
    const known = this.#columns.get(table)
    if (known !== undefined) return known
    const tables = this.#db.exec(APP_TABLES).map(({ name }) => String(name))
    if (!tables.includes(table)) {
      throw new LfError("IMPORT_INVALID", `expected a table of the document (${tables.join(", ")}), got "${table}"`)
    }
    // Generated columns are hidden; they cannot be given.
    const found = this.#db.exec("select name, upper(type) as type from pragma_table_xinfo(?) where hidden = 0", table)
    const columns = found.map(({ name, type }) => ({ name: String(name), type: String(type) }))
    this.#columns.set(table, columns)
    return columns
  }

  /** Adds one row. The names of its columns were checked against `columnsOf`. @throws IMPORT_INVALID DOC_TOO_LARGE */
  add(table: string, values: Readonly<Record<string, SqlValue>>): void {
    try {
      this.#db.exec(this.#insertOf(table, Object.keys(values)), ...Object.values(values))
    } catch (cause) {
      const error = toLfError(cause, "IMPORT_INVALID")
      if (error.code === "DOC_TOO_LARGE") throw error
      throw new LfError("IMPORT_INVALID", error.message, { cause })
    }
    if (++this.rows % SIZE_ROWS === 0) this.#checkSize()
  }

  /** The first row that refers to one that is not there; null: there is none. */
  missingParent(): MissingParent | null {
    if (!this.#db.hasDeferredViolations) return null
    const [broken] = this.#db.exec('select "table" as child, rowid, parent, fkid from pragma_foreign_key_check limit 1')
    if (broken === undefined) return null
    const { child, parent, fkid } = broken
    const keys = this.#db.exec(
      `select "from" as own, coalesce("to", (select name from pragma_table_info(l."table") where pk = l.seq + 1)) as theirs
        from pragma_foreign_key_list(?) l where id = ? order by seq`,
      child,
      fkid,
    )
    const own = keys.map((key) => String(key.own))
    const columns = sql.join(own.map((name) => sql`c.${sql.id(name)} as ${sql.id(name)}`))
    const pairs = keys.map((key) => sql`p.${sql.id(String(key.theirs))} = c.${sql.id(String(key.own))}`)
    const given = own.map((name) => sql`c.${sql.id(name)} is not null`)
    const [values = {}] = this.#db.all<Row>(
      sql`select ${columns} from ${sql.id(String(child))} c where ${sql.and(given)}
        and not exists (select 1 from ${sql.id(String(parent))} p where ${sql.and(pairs)}) limit 1`,
      "internal",
    )
    return { table: String(child), parent: String(parent), values }
  }

  /** Keeps all rows, durably. @throws IMPORT_INVALID DOC_TOO_LARGE LOG_FAILED LOG_FULL; then none is kept */
  async finish(): Promise<{ readonly rows: number; readonly pageCount: number }> {
    try {
      this.#checkSize()
      this.#db.exec("commit")
      const { storage } = this.#store
      const changeset = storage.commit()
      if (changeset !== null) this.#store.append(changeset)
      await this.#store.checkpoint()
      return { rows: this.rows, pageCount: storage.pageCount() }
    } finally {
      await closeDatabaseAndLog(this.#db, this.#store.streams)
    }
  }

  /** Keeps nothing. */
  async abandon(): Promise<void> {
    if (this.#db.inTransaction) this.#db.exec("rollback")
    await closeDatabaseAndLog(this.#db, this.#store.streams)
  }

  #checkSize(): void {
    const pages = this.#db.pagesUsed
    if (pages <= this.#pagesMax) return
    throw new LfError("DOC_TOO_LARGE", `expected at most ${this.#pagesMax} pages, got ${pages} after ${this.rows} rows`)
  }

  #insertOf(table: string, names: readonly string[]): string {
    const key = `${table}\0${names.join("\0")}`
    let insert = this.#inserts.get(key)
    if (insert === undefined) {
      const columns = names.map(quotedName).join(", ")
      const places = names.map(() => "?").join(", ")
      insert =
        names.length === 0
          ? `insert into ${quotedName(table)} default values`
          : `insert into ${quotedName(table)} (${columns}) values (${places})`
      this.#inserts.set(key, insert)
    }
    return insert
  }
}

/** @throws IMPORT_INVALID */
function createSchema(db: Database, { statements, migrations }: DocumentSchema): void {
  if (db.exec("select 1 from sqlite_schema limit 1").length > 0)
    throw new LfError("IMPORT_INVALID", "expected a new document, got one that has a schema already")
  for (const statement of statements) db.exec(statement)
  migrations.forEach((hash, position) => {
    addMigration(db, position, hash)
  })
}
