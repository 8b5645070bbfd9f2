import { ROW_LOG } from "../sqlite/authorizer.ts"
import type { Database } from "../sqlite/database.ts"
import { quotedName, quotedText } from "../sqlite/quoted.ts"
import { rowTextSql, valuesOfRowText } from "./row-text.ts"

/** One row as a mutation found it and left it, as texts of rows; null: there was none. */
export interface RowChange {
  readonly table: string
  /** The text of the columns that name the row. */
  readonly key: string
  readonly before: string | null
  readonly after: string | null
}

/** A table's columns, and those that name a row: its primary key, or `rowid` where there is none. Quoted as SQL has them. */
interface Shape {
  readonly table: string
  readonly columns: readonly string[]
  readonly keys: readonly string[]
  /** Columns of each other unique index: what an `or replace` removes for one of them goes without a delete trigger. */
  readonly unique: readonly (readonly string[])[]
}

/**
 * Watches the rows of all ordinary tables by temporary triggers, which are no part of the schema. They note which rows are
 * touched and how these were before; how they are now is read at the end, so that what is noted and not changed, as by `or
 * ignore`, does not count. Virtual tables are not watched: their rows follow triggers of the app's own tables.
 */
export function watchRows(db: Database): void {
  const [{ schema_version: version }] = db.exec("pragma schema_version")
  const marker = `${ROW_LOG}_${version}`
  if (db.exec("select 1 from sqlite_temp_schema where name = ?", marker).length > 0) {
    db.exec(`delete from temp.${ROW_LOG}`)
    return
  }
  // None on a new connection; else those of a schema that was migrated.
  for (const { type, name } of db.exec("select type, name from sqlite_temp_schema where type in ('table', 'trigger')"))
    db.exec(`drop ${type} if exists temp.${quotedName(String(name))}`)
  db.exec(`create temp table ${marker} (made integer)`)
  db.exec(`create temp table ${ROW_LOG} (at integer primary key, name text, key text, before text)`)
  for (const shape of shapesOf(db)) for (const trigger of triggersOf(shape)) db.exec(trigger)
}

/** What has changed since `watchRows`, in the order in which the rows were first touched. */
export function changedRows(db: Database): RowChange[] {
  const shapeByTable = new Map<string, Shape>()
  const changes = new Map<string, RowChange>()
  for (const { name, key, before } of db.exec(`select name, key, before from temp.${ROW_LOG} order by at`)) {
    const touched = { table: String(name), key: String(key), before: before === null ? null : String(before) }
    const row = `${touched.table} ${touched.key}`
    if (changes.has(row)) continue
    const shape = shapeByTable.get(touched.table) ?? shapeOf(db, touched.table)
    shapeByTable.set(touched.table, shape)
    changes.set(row, { ...touched, after: readRow(db, shape, touched.key) })
  }
  return [...changes.values()].filter(({ before, after }) => before !== after)
}

/** The row as it is now; null: there is none. */
export function rowNow(db: Database, { table, key }: RowChange): string | null {
  return readRow(db, shapeOf(db, table), key)
}

/** Makes the row what `row` says; null: there is none. */
export function writeRow(db: Database, { table, key }: RowChange, row: string | null): void {
  const shape = shapeOf(db, table)
  const now = readRow(db, shape, key)
  if (now === row) return
  const name = quotedName(table)
  const where = shape.keys.map((column) => `${column} = ?`).join(" and ")
  const keyValues = valuesOfRowText(key)
  if (row === null) db.exec(`delete from ${name} where ${where}`, ...keyValues)
  else if (now === null) {
    const places = shape.columns.map(() => "?").join()
    db.exec(`insert into ${name} (${shape.columns.join()}) values (${places})`, ...valuesOfRowText(row))
  } else {
    const set = shape.columns.map((column) => `${column} = ?`).join()
    db.exec(`update ${name} set ${set} where ${where}`, ...valuesOfRowText(row), ...keyValues)
  }
}

function readRow(db: Database, { table, columns, keys }: Shape, key: string): string | null {
  const where = keys.map((column) => `${column} = ?`).join(" and ")
  const query = `select ${rowTextSql(columns)} text from ${quotedName(table)} where ${where}`
  const [found] = db.exec(query, ...valuesOfRowText(key))
  return found === undefined ? null : String(found.text)
}

function shapesOf(db: Database): Shape[] {
  const tables = db.exec(
    `select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite~_%' escape '~'
      and name not like '~_~_lf~_%' escape '~' order by name`,
  )
  return tables.map(({ name }) => shapeOf(db, String(name)))
}

function shapeOf(db: Database, table: string): Shape {
  // Generated columns have a `hidden` above 1.
  const all = db.exec("select name, pk from pragma_table_xinfo(?) where hidden = 0 order by cid", table)
  const columns = all.map(({ name }) => quotedName(String(name)))
  const primary = all.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk))
  const keys = primary.map(({ name }) => quotedName(String(name)))
  const indexes = db.exec('select name from pragma_index_list(?) where "unique" and not partial', table)
  const unique = indexes.map(({ name }) =>
    db
      .exec("select name from pragma_index_info(?) order by seqno", String(name))
      .map(({ name: column }) => (column === null ? "" : quotedName(String(column)))),
  )
  return {
    table,
    columns: keys.length > 0 ? columns : ["rowid", ...columns],
    keys: keys.length > 0 ? keys : ["rowid"],
    // An expression in an index has no name.
    unique: unique.filter((names) => !names.includes("")),
  }
}

const KINDS = ["before insert", "after insert", "before update", "after update", "after delete"] as const

function triggersOf({ table, columns, keys, unique }: Shape): string[] {
  const of = (row: string, names: readonly string[]) => rowTextSql(names.map((name) => `${row}.${name}`))
  const into = `insert into ${ROW_LOG} (name, key, before)`
  const name = quotedText(table)
  const oldRow = `${into} values (${name}, ${of("old", keys)}, ${of("old", columns)});`
  const newRow = `${into} values (${name}, ${of("new", keys)}, null);`
  // What a replacing insert or update removes.
  const replaced = [keys, ...unique].map((same) => {
    const where = same.map((column) => `r.${column} = new.${column}`).join(" and ")
    return `${into} select ${name}, ${of("r", keys)}, ${of("r", columns)} from ${quotedName(table)} r where ${where};`
  })
  const bodies = [replaced.join(" "), newRow, [oldRow, ...replaced].join(" "), newRow, oldRow]
  return KINDS.map((kind, i) => {
    const trigger = quotedName(`${ROW_LOG} ${kind} ${table}`)
    return `create temp trigger ${trigger} ${kind} on main.${quotedName(table)} begin ${bodies[i]} end`
  })
}
