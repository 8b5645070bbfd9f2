import { LfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { hardenFts } from "./harden-fts.ts"
import { addMigration, createTables, hasTables, readMigrations } from "./internal-tables.ts"
import type { Mutator } from "./mutator.ts"
import { isUndoLog } from "./undo-log.ts"

export type SchemaState =
  /** The document has run exactly the code's migrations. */
  | { readonly type: "equal" }
  /** The document lacks migrations from `from` on (0: it has no tables of ours either). */
  | { readonly type: "older"; readonly from: number }
  /** The document ran migrations that this code does not know. */
  | { readonly type: "newer" }
  /** A migration that ran has another text now. */
  | { readonly type: "edited"; readonly position: number }

/** How the hashes of the migrations that a document ran compare with the code's. */
export function compareSchema(ran: readonly string[], mutator: Mutator): SchemaState {
  const own = mutator.migrations
  for (let i = 0; i < Math.min(ran.length, own.length); i++) {
    if (ran[i] !== own[i].hash) return { type: "edited", position: i }
  }
  if (ran.length > own.length) return { type: "newer" }
  return ran.length === own.length ? { type: "equal" } : { type: "older", from: ran.length }
}

/** The hashes of the migrations that ran, in order; none in a document without our tables. */
export function ranMigrations(db: Database): string[] {
  return hasTables(db) ? readMigrations(db) : []
}

/**
 * Brings the schema up to the code's, in one transaction. Returns whether anything ran.
 *
 * Foreign keys are off meanwhile: with them, dropping the old table of a rebuild deletes the rows that refer to it. All
 * that refers to something must do so again at the end.
 * @throws MIGRATION_EDITED MIGRATION_FAILED SCHEMA_NEWER and then the database is as it was
 */
export function migrate(db: Database, mutator: Mutator): boolean {
  const fresh = !hasTables(db)
  const state = compareSchema(ranMigrations(db), mutator)
  if (state.type === "edited") {
    throw new LfError("MIGRATION_EDITED", `migration ${state.position} was edited after it ran; add a new one instead`)
  }
  if (state.type === "newer")
    throw new LfError(
      "SCHEMA_NEWER",
      "the document's schema is newer than this code; load the newer version of the app",
    )
  if (state.type === "equal" && !fresh) return false
  // Inside a transaction SQLite would ignore it.
  db.exec("pragma foreign_keys=off")
  try {
    inTransaction(db, () => {
      if (fresh) createTables(db)
      if (state.type === "older") runFrom(db, mutator, state.from)
      hardenFts(db)
      checkForeignKeys(db)
    })
    return true
  } catch (cause) {
    if (cause instanceof LfError && cause.code === "MIGRATION_FAILED") throw cause
    throw new LfError("MIGRATION_FAILED", cause instanceof Error ? cause.message : String(cause), { cause })
  } finally {
    db.exec("pragma foreign_keys=on")
  }
}

/**
 * Sets `secure-delete` on FTS5 tables that older code did not recognise. Returns whether a page was written.
 * @throws MIGRATION_FAILED
 */
export function hardenSchema(db: Database): boolean {
  let hasWritten = false
  inTransaction(db, () => {
    hasWritten = hardenFts(db)
  })
  return hasWritten
}

function inTransaction(db: Database, work: () => void): void {
  db.exec("begin immediate")
  try {
    work()
    db.exec("commit")
  } catch (error) {
    if (db.inTransaction) db.exec("rollback")
    throw error
  }
}

function runFrom(db: Database, mutator: Mutator, from: number): void {
  let rowsBefore = countRows(db)
  for (let i = from; i < mutator.migrations.length; i++) {
    const { sql: migration, hash } = mutator.migrations[i]
    try {
      // Our own table, which an app's migration may not make.
      const deletedFrom = isUndoLog(migration) ? new Set<string>() : db.runMigration(migration)
      if (isUndoLog(migration)) db.exec(migration.sql)
      const rowsAfter = countRows(db)
      checkNoneLost({ before: rowsBefore, after: rowsAfter, deletedFrom })
      rowsBefore = rowsAfter
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new LfError("MIGRATION_FAILED", `migration ${i}: ${message}`, { cause })
    }
    addMigration(db, i, hash)
  }
}

/** Rows by table, of the app's own tables and of what FTS5 keeps of its rows. */
function countRows(db: Database): ReadonlyMap<string, number> {
  const tables = db.exec(
    `select name from pragma_table_list where schema = 'main' and name not like 'sqlite~_%' escape '~'
      and name not like '~_~_lf~_%' escape '~' and (type = 'table' or (type = 'shadow' and name like '%~_content' escape '~'))`,
  )
  return new Map(
    tables.map(({ name }) => {
      const [row] = db.all<{ n: number }>(sql`select count(*) n from ${sql.id(String(name))}`, "internal")
      return [String(name), row.n]
    }),
  )
}

/** A migration may drop a table and may say `delete`; rows that go by a trigger or by `or replace` were not meant. */
function checkNoneLost(rows: {
  readonly before: ReadonlyMap<string, number>
  readonly after: ReadonlyMap<string, number>
  readonly deletedFrom: ReadonlySet<string>
}): void {
  for (const [table, before] of rows.before) {
    const after = rows.after.get(table)
    if (after === undefined || after >= before || rows.deletedFrom.has(table)) continue
    throw new LfError(
      "MIGRATION_FAILED",
      `${table} has ${after} rows after it and had ${before} before, though it neither drops the table nor deletes from it`,
    )
  }
}

function checkForeignKeys(db: Database): void {
  const broken = db.exec(
    'select "table" child, parent, count(*) n from pragma_foreign_key_check group by 1, 2 order by 1, 2',
  )
  if (broken.length === 0) return
  const said = broken.map(
    ({ child, parent, n }) => `${n} rows of ${child} refer to rows of ${parent} that are not there`,
  )
  throw new LfError("MIGRATION_FAILED", `after the migrations ${said.join(", ")}`)
}
