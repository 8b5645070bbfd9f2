import { LfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import type { Mutator } from "./mutator.ts"

/** Our own tables in every document: what was applied for whom, what was rejected, which migrations ran. */
const INTERNAL_TABLES = [
  "create table __lf_migrations (position integer primary key, hash text not null) strict",
  "create table __lf_mutations (client_id text primary key, lsn integer not null, hash integer not null) strict, without rowid",
  `create table __lf_rejections (client_id text not null, lsn integer not null, uid text not null, code text not null,
    primary key (client_id, lsn)) strict, without rowid`,
]

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

export function hasInternalTables(db: Database): boolean {
  return db.exec("select 1 from sqlite_schema where name = '__lf_migrations'").length > 0
}

/** The hashes of the migrations that ran, in order. */
export function ranMigrations(db: Database): string[] {
  if (!hasInternalTables(db)) return []
  return db.exec("select hash from __lf_migrations order by position").map((row) => String(row.hash))
}

/**
 * Brings the schema up to the code's, in one transaction. Returns whether anything ran.
 * @throws MIGRATION_EDITED MIGRATION_FAILED SCHEMA_NEWER and then the database is as it was
 */
export function migrate(db: Database, mutator: Mutator): boolean {
  const fresh = !hasInternalTables(db)
  const state = compareSchema(ranMigrations(db), mutator)
  if (state.type === "edited") {
    throw new LfError("MIGRATION_EDITED", `migration ${state.position} was edited after it ran; add a new one instead`)
  }
  if (state.type === "newer") throw new LfError("SCHEMA_NEWER", "the document's schema is newer than this code")
  if (state.type === "equal" && !fresh) return false
  db.exec("begin immediate")
  try {
    if (fresh) for (const table of INTERNAL_TABLES) db.exec(table)
    if (state.type === "older") runFrom(db, mutator, state.from)
    hardenFts(db)
    db.exec("commit")
    return true
  } catch (cause) {
    if (db.inTransaction) db.exec("rollback")
    if (cause instanceof LfError && cause.code === "MIGRATION_FAILED") throw cause
    throw new LfError("MIGRATION_FAILED", cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function runFrom(db: Database, mutator: Mutator, from: number): void {
  for (let i = from; i < mutator.migrations.length; i++) {
    const { sql: migration, hash } = mutator.migrations[i]
    try {
      db.run(migration, "migration")
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new LfError("MIGRATION_FAILED", `migration ${i}: ${message}`, { cause })
    }
    db.exec("insert into __lf_migrations values (?, ?)", i, hash)
  }
}

/** Deleted text must not stay in an FTS5 index, where every reader would get it (S12). */
function hardenFts(db: Database): void {
  for (const row of db.exec(
    "select name, sql from sqlite_schema where type = 'table' and sql like 'create virtual table%using fts5%'",
  )) {
    // With it secure-delete leaves the entries of replaced rows behind (SQLite 3.53), and `match` finds them.
    if (/detail\s*=\s*['"]?none/i.test(String(row.sql)))
      throw new LfError("MIGRATION_FAILED", `${row.name}: FTS5's detail=none would leave deleted text in the index`)
    const table = sql.id(String(row.name))
    db.run(sql`insert into ${table}(${table}, rank) values ('secure-delete', 1)`, "internal")
  }
}
