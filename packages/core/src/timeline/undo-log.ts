import { toLfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import type { Sql } from "../sqlite/sql.ts"
import { addUndo, readUndo, UNDO_TABLE } from "./internal-tables.ts"
import { Reject } from "./outcome.ts"
import { changedRows, type RowChange, rowNow, watchRows, writeRow } from "./row-capture.ts"

/** Mutations of a document that can be undone: its last ones, of all users. */
export const UNDO_MUTATIONS_MAX = 500
/** A mutation that changed more cannot be undone. */
export const UNDO_ROWS_MAX = 1_000
const UNDO_CHARS_MAX = 64 * 1024

/**
 * A migration that makes mutations undoable: the document keeps which rows each of the last 500 changed, as they were before
 * and after, for every reader of the document to see. Append it to the migrations; then `useUndo` works.
 *
 * @example defineMutator({ migrations: [sql`create table todos (id text primary key) strict`, undoLog], mutations: [AddTodo] })
 */
export const undoLog: Sql<unknown> = { sql: UNDO_TABLE, parameters: [] }

export function isUndoLog(migration: { readonly sql: string }): boolean {
  return migration.sql === undoLog.sql
}

/** A mutation, and who made it. */
interface Author {
  readonly uid: string
  readonly user: string | null
}

/** Runs a mutation, keeps what it has changed, and forgets the oldest that was kept. */
export function runUndoably(db: Database, { uid, user }: Author, run: () => void): void {
  watchRows(db)
  run()
  // Then nothing of it stays.
  if (!db.inTransaction || db.halfway !== null || db.crash !== null) return
  const changes = changedRows(db)
  if (changes.length === 0 || changes.length > UNDO_ROWS_MAX) return
  const text = JSON.stringify(changes.map(({ table, key, before, after }) => [table, key, before, after]))
  if (text.length > UNDO_CHARS_MAX) return
  addUndo(db, { uid, user, changes: text }, UNDO_MUTATIONS_MAX)
}

/**
 * Makes the rows that a mutation of this user changed what they were before. Foreign keys are checked at the end.
 * @throws Reject undo-gone, when it is too old, too large or was never kept; undo-foreign, when another user made it;
 * undo-conflict, when a row was changed since, or another row depends on it by now
 */
export function undoMutation(db: Database, { uid, user }: Author): void {
  const kept = readUndo(db, uid)
  if (kept === null) throw new Reject("undo-gone")
  if (kept.user !== user) throw new Reject("undo-foreign")
  const changes = (JSON.parse(kept.changes) as [string, string, string | null, string | null][]).map(
    ([table, key, before, after]): RowChange => ({ table, key, before, after }),
  )
  for (const change of changes) {
    if (rowNow(db, change) !== change.after) throw new Reject("undo-conflict", { table: change.table })
  }
  db.exec("pragma defer_foreign_keys = on")
  try {
    writeBack(db, changes)
    // Here, because SQLite forgets them with the pragma.
    if (db.hasDeferredViolations) throw new Reject("undo-conflict", { table: tableWithoutParents(db) })
  } finally {
    db.exec("pragma defer_foreign_keys = off")
  }
}

function tableWithoutParents(db: Database): string {
  const [violation] = db.exec("pragma foreign_key_check")
  return String(violation?.table ?? "")
}

/** Rows that the app's own triggers change on the way are put right as well: the mutation had left them as they were. */
function writeBack(db: Database, changes: readonly RowChange[]): void {
  const known = new Set(changes.map(rowName))
  for (let turn = 0; turn < 2; turn++) {
    writeAll(db, changes)
    const others = changedRows(db).filter((change) => !known.has(rowName(change)))
    // It came since and depends on what is undone, as by `on delete cascade`.
    const lost = others.find(({ after }) => after === null)
    if (lost !== undefined) throw new Reject("undo-conflict", { table: lost.table })
    for (const other of others) writeRow(db, other, other.before)
  }
}

/** Removes rows, changes rows, adds rows: so a unique value is free for the row that had it before. */
function writeAll(db: Database, changes: readonly RowChange[]): void {
  const rank = ({ before, after }: RowChange) => (before === null ? 0 : after === null ? 2 : 1)
  let waiting = [...changes].reverse().sort((a, b) => rank(a) - rank(b))
  while (waiting.length > 0) {
    let why: unknown
    const left = waiting.filter((change) => {
      try {
        writeRow(db, change, change.before)
        return false
      } catch (error) {
        // Another row may have its unique value until its own turn.
        if (toLfError(error, "SQL_ERROR").code !== "SQL_ERROR") throw error
        why = error
        return true
      }
    })
    if (left.length === waiting.length) throw why
    waiting = left
  }
}

function rowName({ table, key }: RowChange): string {
  return `${table} ${key}`
}
