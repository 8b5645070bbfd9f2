import { type SeededRandom, type Sql, sql } from "@lf/core/testing"
import { raw } from "./statement.ts"

export interface Column {
  readonly name: string
  /** In lower case; "" for none. */
  readonly type: string
  readonly isGenerated?: boolean
  /** A small integer that names a row, here or in a parent. */
  readonly isId?: boolean
  /** An index of words is kept over it. */
  readonly isSearched?: boolean
}

export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** What orders its rows totally. */
  readonly key: readonly string[]
  readonly isStrict: boolean
  /** `or replace` deletes without triggers, and an index that triggers keep would be left behind. */
  readonly isIndexedByTriggers: boolean
}

export interface View {
  readonly name: string
  readonly columns: readonly string[]
  readonly on: string
  readonly isWritable: boolean
}

export interface Fts {
  readonly name: string
  readonly columns: readonly string[]
  /** The table whose triggers fill it, if it keeps no content of its own. */
  readonly content: string | null
  readonly hasWords: boolean
}

/** What generated statements may name. A value: a rolled back change of the schema is a step back to an older one. */
export interface Schema {
  readonly tables: readonly Table[]
  readonly views: readonly View[]
  readonly fts: readonly Fts[]
  readonly indexes: readonly string[]
  readonly triggers: readonly string[]
  /** Names are never used twice. */
  readonly made: number
}

export const EMPTY: Schema = { tables: [], views: [], fts: [], indexes: [], triggers: [], made: 0 }

/** A change of the schema: the statement, and the schema when it has succeeded. */
export interface Change {
  readonly sql: Sql
  readonly next: Schema
}

const LOOSE_TYPES = ["integer", "text", "real", "numeric", "blob", "", "varchar(10)"]
const STRICT_TYPES = ["int", "integer", "real", "text", "blob", "any"]
const ACTIONS = ["cascade", "set null", "restrict", "no action", "set default"]

/** Without it no other order is given: ids of rows would show in which order triggers and cascades ran. */
const LOG: Table = {
  name: "log",
  columns: [
    { name: "what", type: "text" },
    { name: "n", type: "" },
  ],
  key: ["what", "n", "typeof(n)"],
  isStrict: false,
  isIndexedByTriggers: false,
}

export function logTable(schema: Schema): Change {
  return { sql: raw("create table log(what text, n)"), next: { ...schema, tables: [...schema.tables, LOG] } }
}

export function newTable(random: SeededRandom, schema: Schema): Change {
  const name = `t${schema.made}`
  const isStrict = random.chance(0.4)
  const kind = random.weigh({ id: 5, autoincrement: 1, rowid: 1, key: 2, pair: 1 })
  const columns: Column[] = []
  const parts: string[] = []
  const add = (column: Column, rest: string) => {
    columns.push(column)
    parts.push(`${column.name} ${column.type} ${rest}`.trim())
  }
  if (kind === "id") add({ name: "id", type: "integer", isId: true }, "primary key")
  if (kind === "autoincrement") add({ name: "id", type: "integer", isId: true }, "primary key autoincrement")
  if (kind === "key") add({ name: "k", type: "text" }, `not null ${random.pick(["", "collate nocase"])} primary key`)
  if (kind === "pair") {
    add({ name: "k", type: "text" }, "not null")
    add({ name: "m", type: "integer", isId: true }, "not null")
  }
  for (let i = 0, count = 2 + random.below(4); i < count; i++) {
    const column = { name: `c${i}`, type: random.pick(isStrict ? STRICT_TYPES : LOOSE_TYPES) }
    add(column, constraint(random, column))
  }
  const parent = random.pick(schema.tables.filter(({ key }) => key[0] === "id"))
  if (parent !== undefined && random.chance(0.6))
    add({ name: "p", type: "integer", isId: true }, reference(random, parent))
  if (random.chance(0.3)) {
    const stored = random.pick(["stored", "virtual"])
    const at = columns.at(-1)?.name
    add({ name: "g", type: "integer", isGenerated: true }, `as (coalesce(length(${at}), -1) * 2) ${stored}`)
  }
  if (kind === "pair") parts.push(`primary key (${random.pick(["k, m", "m desc, k"])})`)
  const options = [...(isStrict ? ["strict"] : []), ...(kind === "key" || kind === "pair" ? ["without rowid"] : [])]
  const key = { id: ["id"], autoincrement: ["id"], rowid: ["rowid"], key: ["k"], pair: ["k", "m"] }[kind]
  const table: Table = { name, columns, key, isStrict, isIndexedByTriggers: false }
  return {
    sql: raw(`create table ${name}(${parts.join(", ")}) ${options.join(", ")}`),
    next: { ...schema, tables: [...schema.tables, table], made: schema.made + 1 },
  }
}

function constraint(random: SeededRandom, { name, type }: Column): string {
  switch (random.weigh({ none: 8, notNull: 1, unique: 1, check: 2, collate: 1, default: 1 })) {
    case "none":
      return ""
    case "notNull":
      return "not null default 7"
    case "unique":
      return type === "blob" ? "" : "unique"
    case "check":
      return random.pick([`check (${name} is null or length(${name}) < 9000)`, `check (${name} <> 12)`])
    case "collate":
      return "collate nocase"
    case "default":
      return type === "text" ? "default 'nothing'" : "default 1"
  }
}

function reference(random: SeededRandom, parent: Table): string {
  const onDelete = random.pick(ACTIONS)
  const onUpdate = random.pick(["cascade", "no action"])
  const when = random.chance(0.4) ? "deferrable initially deferred" : ""
  return `default 1 references ${parent.name}(id) on delete ${onDelete} on update ${onUpdate} ${when}`
}

export function newIndex(random: SeededRandom, schema: Schema): Change {
  const table = random.pick(schema.tables)
  const name = `i${schema.made}`
  const { name: a } = random.pick(table.columns)
  const { name: b } = random.pick(table.columns)
  const on = random.pick([
    a,
    `${a} desc, ${b}`,
    `length(${a})`,
    `lower(${a})`,
    `${a} collate nocase`,
    `typeof(${a}), ${b}`,
  ])
  const where = random.pick(["", "", `where ${b} is not null`, `where length(${b}) > 3`])
  const unique = random.chance(0.15) ? "unique" : ""
  return {
    sql: raw(`create ${unique} index ${name} on ${table.name}(${on}) ${where}`),
    next: { ...schema, indexes: [...schema.indexes, name], made: schema.made + 1 },
  }
}

export function newView(random: SeededRandom, schema: Schema): Change {
  const table = random.pick(schema.tables)
  const name = `v${schema.made}`
  const names = table.columns.slice(0, 3).map((column) => column.name)
  const columns = names.map((_, i) => `x${i}`)
  const where = random.pick(["", `where ${names[0]} is not null`, `where typeof(${names.at(-1)}) <> 'blob'`])
  const view: View = { name, columns, on: table.name, isWritable: false }
  return {
    sql: raw(`create view ${name}(${columns.join(", ")}) as select ${names.join(", ")} from ${table.name} ${where}`),
    next: { ...schema, views: [...schema.views, view], made: schema.made + 1 },
  }
}

/** One per table and event at most: the order in which several run is not promised. */
export function newTrigger(random: SeededRandom, schema: Schema): Change | null {
  const view = random.pick(schema.views.filter(({ isWritable }) => !isWritable))
  if (view !== undefined && random.chance(0.3)) return insteadOf(schema, view)
  const table = random.pick(schema.tables.filter(({ name }) => name !== "log"))
  if (table === undefined) return null
  const event = random.pick(["insert", "update", "delete"])
  const name = `r_${table.name}_${event}`
  const row = event === "delete" ? "old" : "new"
  const column = random.pick(table.columns.filter(({ isGenerated }) => !isGenerated))
  const value = `${row}.${column.name}`
  const [when, body] = random.pick([
    ["after", `insert into log values ('${event} ${table.name}', length(${value}))`],
    ["after", `insert into log select '${event} ${table.name}', count(*) from ${table.name}`],
    ["before", `select raise(abort, 'refused by ${name}') where ${value} = 3`],
    ["before", `select raise(ignore) where ${value} = 5`],
  ])
  if (schema.triggers.includes(name)) return null
  return {
    sql: raw(`create trigger ${name} ${when} ${event} on ${table.name} begin ${body}; end`),
    next: { ...schema, triggers: [...schema.triggers, name] },
  }
}

function insteadOf(schema: Schema, view: View): Change {
  const name = `r_${view.name}`
  const views = schema.views.map((one) => (one === view ? { ...view, isWritable: true } : one))
  return {
    sql: raw(`create trigger ${name} instead of insert on ${view.name} begin
      insert into log values ('into ${view.name}', new.x0); end`),
    next: { ...schema, views, triggers: [...schema.triggers, name] },
  }
}

export function newFts(random: SeededRandom, schema: Schema): Change[] {
  const name = `f${schema.made}`
  // Where trigrams overlap 3.40 marks a hit more than once: highlight() is asked of words only.
  const tokenizer = random.pick(["", "", ", tokenize='porter'", ", tokenize='trigram'"])
  // Never detail=none: with secure deletes 3.53 leaves entries of deleted rows in it, without our pages too.
  const options = `${tokenizer}${random.pick(["", ", prefix='2 3'"])}${random.pick(["", "", ", detail=column"])}`
  if (random.chance(0.6)) {
    const fts = [...schema.fts, { name, columns: ["a", "b"], content: null, hasWords: !tokenizer.includes("trigram") }]
    const next = { ...schema, fts, made: schema.made + 1 }
    return [{ sql: raw(`create virtual table ${name} using fts5(a, b${options})`), next }]
  }
  return ftsOverTable(
    schema,
    { name, columns: ["body"], content: `d${schema.made}`, hasWords: !tokenizer.includes("trigram") },
    options,
  )
}

function ftsOverTable(schema: Schema, fts: Fts, options: string): Change[] {
  const { name } = fts
  const content = `d${schema.made}`
  const columns: Column[] = [
    { name: "id", type: "integer", isId: true },
    { name: "body", type: "text", isSearched: true },
  ]
  const table: Table = { name: content, columns, key: ["id"], isStrict: true, isIndexedByTriggers: true }
  const tables = [...schema.tables, table]
  const triggers = ["insert", "update", "delete"].map((event) => `r_${content}_${event}`)
  const next: Schema = {
    ...schema,
    tables,
    fts: [...schema.fts, fts],
    triggers: [...schema.triggers, ...triggers],
    made: schema.made + 1,
  }
  const add = `insert into ${name}(rowid, body) values (new.id, new.body);`
  const remove = `insert into ${name}(${name}, rowid, body) values ('delete', old.id, old.body);`
  return [
    {
      sql: raw(`create table ${content}(id integer primary key, body text) strict`),
      next: { ...next, fts: schema.fts },
    },
    raw(`create virtual table ${name} using fts5(body, content='${content}', content_rowid='id'${options})`),
    raw(`create trigger ${triggers[0]} after insert on ${content} begin ${add} end`),
    raw(`create trigger ${triggers[1]} after update on ${content} begin ${remove} ${add} end`),
    raw(`create trigger ${triggers[2]} after delete on ${content} begin ${remove} end`),
  ].map((made) => ("next" in made ? made : { sql: made, next }))
}

/** Adds, renames, drops: what a migration does to tables that have rows. */
export function alteration(random: SeededRandom, schema: Schema): Change | null {
  const table = random.pick(
    schema.tables.filter(({ name, isIndexedByTriggers }) => name !== "log" && !isIndexedByTriggers),
  )
  if (table === undefined) return null
  const column = random.pick(table.columns)
  const isKey = table.key.includes(column.name)
  const name = `n${schema.made}`
  const become = (sql: string, changed: Table): Change => ({
    sql: raw(sql),
    next: { ...schema, tables: schema.tables.map((one) => (one === table ? changed : one)), made: schema.made + 1 },
  })
  switch (
    random.weigh({ add: 4, generated: 1, renameColumn: 2, renameTable: 1, dropColumn: 3, dropTable: 1, drop: 1 })
  ) {
    case "add": {
      const type = random.pick(table.isStrict ? STRICT_TYPES : LOOSE_TYPES)
      // A STRICT blob whose default is a number is refused by ours only.
      const five = type === "blob" ? "x'05'" : "5"
      const rest = random.pick(["", `default ${five}`, `not null default ${five}`, "not null", `check (${name} <> 12)`])
      return become(`alter table ${table.name} add column ${name} ${type} ${rest}`, {
        ...table,
        columns: [...table.columns, { name, type }],
      })
    }
    case "generated":
      return become(`alter table ${table.name} add column ${name} integer as (length(${column.name})) virtual`, {
        ...table,
        columns: [...table.columns, { name, type: "integer", isGenerated: true }],
      })
    case "renameColumn":
      if (isKey) return null
      return become(`alter table ${table.name} rename column ${column.name} to ${name}`, {
        ...table,
        columns: table.columns.map((one) => (one === column ? { ...column, name } : one)),
      })
    case "renameTable":
      return become(`alter table ${table.name} rename to ${name}`, { ...table, name })
    case "dropColumn":
      return become(`alter table ${table.name} drop column ${column.name}`, {
        ...table,
        columns: table.columns.filter((one) => one !== column),
      })
    case "dropTable":
      if (schema.tables.length < 4) return null
      return {
        sql: raw(`drop table ${table.name}`),
        next: { ...schema, tables: schema.tables.filter((one) => one !== table) },
      }
    case "drop":
      return dropped(random, schema)
  }
}

function dropped(random: SeededRandom, schema: Schema): Change | null {
  const index = random.pick(schema.indexes)
  const view = random.pick(schema.views)
  if (index !== undefined && random.chance(0.6)) {
    const next = { ...schema, indexes: schema.indexes.filter((one) => one !== index) }
    return { sql: sql`drop index ${sql.id(index)}`, next }
  }
  if (view === undefined) return null
  const next = { ...schema, views: schema.views.filter((one) => one !== view) }
  return { sql: sql`drop view ${sql.id(view.name)}`, next }
}
