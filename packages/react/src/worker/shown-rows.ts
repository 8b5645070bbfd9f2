import { type Row, type SqlValue, sql } from "@lf/core"
import type { Local } from "@lf/core/internal"
import type { ShownCell, ShownRows, ShownTable } from "../rpc/devtools-protocol.ts"

/** Rows of a table that are shown at once, and of a query. */
export const TABLE_ROWS_MAX = 50
export const QUERY_ROWS_MAX = 200
export const CELL_CHARS_MAX = 500

/** Counting rows ends after so long: what comes then is shown without a count. */
const COUNTS_MS_MAX = 200

/** The app's tables, views and virtual tables, with counts as far as there is time. */
export async function readTables(local: Local, nowMs: () => number): Promise<ShownTable[]> {
  const startedMs = nowMs()
  const list = local.inside.db.exec(
    `select name, type from pragma_table_list where schema = 'main' and type in ('table', 'view', 'virtual')
      and name not like 'sqlite!_%' escape '!' and name not like '!_!_lf!_%' escape '!' order by name`,
  )
  const tables: ShownTable[] = []
  for (const { name, type } of list) {
    const columns = local.inside.db.exec("select name, type, pk from pragma_table_info(?)", String(name))
    tables.push({
      name: String(name),
      type: String(type),
      columns: columns.map((one) => ({ name: String(one.name), type: String(one.type), isKey: one.pk !== 0 })),
      rows: nowMs() - startedMs > COUNTS_MS_MAX ? null : await countRows(local, String(name)),
    })
  }
  return tables
}

async function countRows(local: Local, table: string): Promise<number | null> {
  try {
    const [row] = await local.reads.read(sql`select count(*) n from ${sql.id(table)}`)
    return Number(row.n)
  } catch {
    return null // a view may fail or be slow: the list is shown all the same
  }
}

/** @throws as `useDocument().query` */
export async function readTableRows(local: Local, table: string, offset: number): Promise<ShownRows> {
  const read = local.reads.read(sql`select * from ${sql.id(table)} limit ${TABLE_ROWS_MAX} offset ${offset}`)
  return shownRows(await read, TABLE_ROWS_MAX)
}

/** @throws as `useDocument().query` */
export async function readSql(local: Local, text: string): Promise<ShownRows> {
  return shownRows(await local.reads.read({ sql: text, parameters: [] }), QUERY_ROWS_MAX)
}

function shownRows(rows: readonly Row[], max: number): ShownRows {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.slice(0, max).map((row) => columns.map((name) => shownCell(row[name])))
  return { columns, rows: cells, count: rows.length }
}

function shownCell(value: SqlValue): ShownCell {
  if (value === null) return { type: "null", text: "null" }
  if (value instanceof Uint8Array) return { type: "blob", text: `${value.length} bytes` }
  if (typeof value !== "string") return { type: "number", text: String(value) }
  return { type: "text", text: value.length > CELL_CHARS_MAX ? `${value.slice(0, CELL_CHARS_MAX)}…` : value }
}
