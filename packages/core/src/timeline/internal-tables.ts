// All SQL on our own tables, which every document has: what was applied for whom, what was rejected, which migrations ran.
import { type Lsn, lsn } from "../base/lsn.ts"
import type { Database } from "../sqlite/database.ts"

const TABLES = [
  "create table __lf_migrations (position integer primary key, hash text not null) strict",
  "create table __lf_mutations (client_id text primary key, lsn integer not null, hash integer not null) strict, without rowid",
  `create table __lf_rejections (client_id text not null, lsn integer not null, uid text not null, code text not null,
    primary key (client_id, lsn)) strict, without rowid`,
]

/** For apps that have it among their migrations: what the last mutations changed. */
export const UNDO_TABLE = `create table __lf_undo (seq integer primary key, uid text not null unique, user text,
  changes text not null) strict`

/** The last mutation applied for a client, and the chain hash there. */
export interface Applied {
  readonly lsn: Lsn
  readonly hash: bigint
}

export function createTables(db: Database): void {
  for (const table of TABLES) db.exec(table)
}

export function dropTables(db: Database): void {
  const tables = "select name from sqlite_schema where type = 'table' and name like '!_!_lf!_%' escape '!'"
  for (const { name } of db.exec(tables)) db.exec(`drop table "${String(name)}"`)
}

export function hasTables(db: Database): boolean {
  return db.exec("select 1 from sqlite_schema where name = '__lf_migrations'").length > 0
}

/** The hashes of the migrations that ran, in order. */
export function readMigrations(db: Database): string[] {
  return db.exec("select hash from __lf_migrations order by position").map((row) => String(row.hash))
}

export function addMigration(db: Database, position: number, hash: string): void {
  db.exec("insert into __lf_migrations values (?, ?)", position, hash)
}

/** How far the mutations of `clientId` are applied; null: none are. */
export function readApplied(db: Database, clientId: string): Applied | null {
  const [row] = db.exec("select lsn, hash from __lf_mutations where client_id = ?", clientId)
  return row === undefined ? null : appliedOf(row)
}

export function readAllApplied(db: Database): (Applied & { readonly clientId: string })[] {
  const rows = db.exec("select client_id, lsn, hash from __lf_mutations")
  return rows.map((row) => ({ clientId: String(row.client_id), ...appliedOf(row) }))
}

export function writeApplied(db: Database, clientId: string, { lsn: at, hash }: Applied): void {
  db.exec("replace into __lf_mutations values (?, ?, ?)", clientId, at, BigInt.asIntN(64, hash))
}

export function addRejection(db: Database, rejection: { clientId: string; lsn: Lsn; uid: string; code: string }): void {
  const { clientId, lsn: at, uid, code } = rejection
  db.exec("insert into __lf_rejections values (?, ?, ?, ?)", clientId, at, uid, code)
}

/** The codes of a client's rejections after `from`, up to `to`, by uid. */
export function readRejections(db: Database, clientId: string, from: Lsn, to: Lsn): Map<string, string> {
  const query = "select uid, code from __lf_rejections where client_id = ? and lsn > ? and lsn <= ?"
  return new Map(db.exec(query, clientId, from, to).map((row) => [String(row.uid), String(row.code)]))
}

export function deleteRejections(db: Database, clientId: string, to: number): void {
  db.exec("delete from __lf_rejections where client_id = ? and lsn <= ?", clientId, to)
}

export function deleteClient(db: Database, clientId: string): void {
  db.exec("delete from __lf_mutations where client_id = ?", clientId)
  db.exec("delete from __lf_rejections where client_id = ?", clientId)
}

/** What a mutation changed, as a text. */
export interface Undoable {
  readonly uid: string
  readonly user: string | null
  readonly changes: string
}

/** Keeps it, and the `max` last ones of the document. */
export function addUndo(db: Database, { uid, user, changes }: Undoable, max: number): void {
  db.exec("insert into __lf_undo (uid, user, changes) values (?, ?, ?)", uid, user, changes)
  db.exec("delete from __lf_undo where seq <= (select max(seq) from __lf_undo) - ?", max)
}

export function readUndo(db: Database, uid: string): Undoable | null {
  const [row] = db.exec("select user, changes from __lf_undo where uid = ?", uid)
  return row === undefined
    ? null
    : { uid, user: row.user === null ? null : String(row.user), changes: String(row.changes) }
}

/** Integer columns, of which SQLite has signed ones only. */
function appliedOf(row: Readonly<Record<string, unknown>>): Applied {
  return { lsn: lsn(Number(row.lsn)), hash: BigInt.asUintN(64, BigInt(row.hash as number | bigint)) }
}
