import { LfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import { quotedName } from "../sqlite/quoted.ts"
import { sql } from "../sqlite/sql.ts"

/**
 * Sets `secure-delete` on every FTS5 table: without it a deleted word stays in the index, which every reader gets (S12).
 * FTS5 is known by the shadow tables that SQLite says it has, and its options by what it does with them: their spelling is
 * free, so a pattern over the statement's text would miss some.
 *
 * Runs inside the caller's transaction. Returns whether a page was written.
 * @throws MIGRATION_FAILED for the two options with which FTS5 keeps deleted words all the same
 */
export function hardenFts(db: Database): boolean {
  let hasWritten = false
  for (const name of ftsTables(db)) {
    if (hasTombstones(db, name)) {
      throw new LfError(
        "MIGRATION_FAILED",
        `${name}: FTS5's contentless_delete=1 leaves deleted words in the index. Use content='' and the 'delete' command, or keep the content`,
      )
    }
    // With it secure-delete leaves the entries of replaced rows behind (SQLite 3.53), and `match` finds them.
    if (hasNoDetail(db, name)) {
      throw new LfError(
        "MIGRATION_FAILED",
        `${name}: FTS5's detail=none leaves the words of replaced rows in the index. Use detail=column`,
      )
    }
    if (isHard(db, name)) continue
    const table = sql.id(name)
    db.run(sql`insert into ${table}(${table}, rank) values ('secure-delete', 1)`, "internal")
    hasWritten = true
  }
  return hasWritten
}

/** Of all modules in this build only FTS5 has shadow tables `_config` and `_idx`. */
function ftsTables(db: Database): string[] {
  const rows = db.exec(
    `select v.name from pragma_table_list v where v.schema = 'main' and v.type = 'virtual'
      and exists (select 1 from pragma_table_list s where s.schema = 'main' and s.type = 'shadow' and s.name = v.name || '_config')
      and exists (select 1 from pragma_table_list s where s.schema = 'main' and s.type = 'shadow' and s.name = v.name || '_idx')
    order by v.name`,
  )
  return rows.map(({ name }) => String(name))
}

/** `contentless_delete=1` marks deleted rows with the segment that they came from. */
function hasTombstones(db: Database, name: string): boolean {
  const query = "select 1 from pragma_table_info(?) where name = 'origin'"
  return db.exec(query, `${name}_docsize`).length > 0
}

/** `detail=none` keeps no columns, and FTS5 says so when it is asked for one. */
function hasNoDetail(db: Database, name: string): boolean {
  const [column] = db.exec("select name from pragma_table_info(?) order by cid limit 1", name)
  if (column === undefined) return false
  const query = `${quotedName(String(column.name))} : secure`
  try {
    db.all(sql`select 1 from ${sql.id(name)} where ${sql.id(name)} match ${query} limit 1`, "internal")
    return false
  } catch (error) {
    if (error instanceof Error && error.message.includes("detail=none")) return true
    // Whatever else it objects to, it keeps columns.
    return false
  }
}

function isHard(db: Database, name: string): boolean {
  const config = sql.id(`${name}_config`)
  const rows = db.all<{ v: unknown }>(sql`select v from ${config} where k = 'secure-delete'`, "internal")
  return rows.some(({ v }) => Number(v) === 1)
}
