import { type SeededRandom, type Sql, type SqlValue, sql } from "@lf/core/testing"
import { condition } from "./reads.ts"
import type { Column, Fts, Schema, Table } from "./schema.ts"
import { effect, raw, type Statement } from "./statement.ts"
import { searchedText, someId, someText, textFor, valueFor } from "./values.ts"

export function someWrite(random: SeededRandom, schema: Schema): Statement {
  const table = random.pick(schema.tables)
  const fts = random.pick(schema.fts)
  const view = random.pick(schema.views.filter(({ isWritable }) => isWritable))
  switch (
    random.weigh({
      insert: 8,
      upsert: 2,
      bulk: 2,
      update: 4,
      from: 1,
      delete: 3,
      clear: 0.3,
      fts: 4,
      view: 0.5,
      wrong: 1,
    })
  ) {
    case "insert":
      return insert(random, table)
    case "upsert":
      return upsert(random, table)
    case "bulk":
      return bulk(random, table)
    case "update":
      return update(random, table)
    case "from":
      return updateFrom(random, table, random.pick(schema.tables))
    case "delete":
      return remove(random, table)
    case "clear":
      return effect(sql`delete from ${raw(table.name)}`, { counts: "changes" })
    case "fts":
      return fts === undefined ? insert(random, table) : writeFts(random, fts, schema)
    case "view":
      if (view === undefined) return insert(random, table)
      return effect(
        sql`insert into ${raw(view.name)}(x0) values (${random.pick([random.below(40), someText(random), null])})`,
        { counts: "changes" },
      )
    case "wrong":
      return wrong(random, table)
  }
}

function writable({ columns }: Table): Column[] {
  return columns.filter(({ isGenerated }) => !isGenerated)
}

function returning(random: SeededRandom, table: Table): Pick<Statement, "head" | "columns"> {
  if (!random.chance(0.25)) return { head: raw(""), columns: [] }
  return { head: raw(" returning "), columns: table.columns.map(({ name }) => raw(name)) }
}

function counted(head: Sql, columns: readonly Sql[] = []): Statement {
  return { head, columns, tail: raw(""), mode: "mutation", counts: "changes" }
}

function inserted(table: Pick<Table, "key">, statement: Statement): Statement {
  return table.key[0] === "id" || table.key[0] === "rowid" ? { ...statement, counts: "rowid" } : statement
}

function insertHead(random: SeededRandom, table: Table, conflict: string): { head: Sql; columns: Column[] } {
  // A rowid is left to SQLite now and then.
  const columns = writable(table).filter(({ isId }) => !isId || random.chance(0.8))
  const names = columns.map(({ name }) => name).join(", ")
  return { head: raw(`insert ${conflict} into ${table.name}(${names})`), columns }
}

function rowOf(random: SeededRandom, columns: readonly Column[]): Sql {
  return sql`(${sql.join(columns.map((column) => valueFor(random, column)))})`
}

function insert(random: SeededRandom, table: Table): Statement {
  const orWhat = table.isIndexedByTriggers
    ? ["", "or ignore", "or fail"]
    : ["or ignore", "or replace", "or fail", "or abort"]
  const conflict = random.chance(0.55) ? "" : random.chance(0.02) ? "or rollback" : random.pick(orWhat)
  const { head, columns } = insertHead(random, table, conflict)
  if (columns.length === 0) return counted(sql`insert into ${raw(table.name)} default values`)
  const rows = Array.from({ length: random.chance(0.7) ? 1 : 1 + random.below(6) }, () => rowOf(random, columns))
  const back = returning(random, table)
  return inserted(table, counted(sql`${head} values ${sql.join(rows)}${back.head}`, back.columns))
}

function upsert(random: SeededRandom, table: Table): Statement {
  const { head, columns } = insertHead(random, table, "")
  const target = random.pick(writable(table))
  if (columns.length === 0 || table.key[0] === "rowid") return insert(random, table)
  const value = random.pick([sql`excluded.${raw(target.name)}`, sql`${valueFor(random, target)}`])
  const where = random.chance(0.3) ? sql`where ${condition(random, table, table.name)}` : raw("")
  const action = random.chance(0.3) ? raw("nothing") : sql`update set ${raw(target.name)} = ${value} ${where}`
  const back = returning(random, table)
  const on = raw(table.key.join(", "))
  return counted(
    sql`${head} values ${rowOf(random, columns)} on conflict(${on}) do ${action}${back.head}`,
    back.columns,
  )
}

/** Enough rows to split pages, some of them long. */
function bulk(random: SeededRandom, table: Table): Statement {
  const { head, columns } = insertHead(random, table, random.pick(["", "or ignore"]))
  const first = random.pick([100, 1000, 5000])
  const count = 5 + random.below(random.chance(0.2) ? 400 : 60)
  const long = random.chance(0.2) ? random.below(2000) : random.below(40)
  if (columns.length === 0) return insert(random, table)
  const values = columns.map((column): Sql => {
    if (column.name === "p") return sql`${someId(random)}`
    if (column.isId || column.type === "int" || column.type === "integer") return sql`i * 7919 % 100003`
    if (column.type === "real") return raw("i / 4.0")
    if (column.type === "blob") return sql`cast(printf('%.*c%d', ${long}, 'b', i) as blob)`
    return sql`printf('%s %.*c %d', ${random.pick(["apple", "river", "pear"])}, ${long}, 'x', i)`
  })
  return inserted(
    table,
    counted(sql`${head} with recursive n(i) as (select ${first} union all select i + 1 from n where i < ${first + count})
    select ${sql.join(values)} from n`),
  )
}

/** Without an index: the order in which rows are visited decides what an early conflict leaves. */
function update(random: SeededRandom, table: Table): Statement {
  const column = random.pick(writable(table))
  const orWhat = table.isIndexedByTriggers ? [""] : ["", "", "or ignore", "or replace", "or fail"]
  const c = raw(column.name)
  const value = random.pick([
    sql`${valueFor(random, column)}`,
    sql`${valueFor(random, column)}`,
    // A blob with a text behind it is a text that is not UTF-8: no string of ours can say it.
    sql`iif(typeof(${c}) = 'blob', ${c}, ${c} || ${textFor(random, column)})`,
    sql`coalesce(length(${c}), 0) + 1`,
    sql`printf('%.*c', ${random.below(6000)}, 'u')`,
  ])
  const back = returning(random, table)
  const isOne = random.chance(0.5)
  const key = table.columns.find(({ name }) => name === table.key[0])
  const where = isOne && key !== undefined ? sql`${raw(key.name)} = ${valueFor(random, key)}` : condition(random, table)
  return counted(
    sql`update ${raw(random.pick(orWhat))} ${raw(table.name)} not indexed set ${c} = ${value} where ${where}${back.head}`,
    isOne ? back.columns : unordered(back),
  )
}

/** In which order several rows are returned is not promised: their count is. */
function unordered({ columns }: Pick<Statement, "columns">): readonly Sql[] {
  return columns.length === 0 ? [] : [raw("1")]
}

function updateFrom(random: SeededRandom, table: Table, other: Table): Statement {
  const column = random.pick(writable(table))
  const { name } = random.pick(other.columns)
  return counted(sql`update ${raw(table.name)} set ${raw(column.name)} = x.n
    from (select count(${raw(name)}) as n from ${raw(other.name)}) as x where ${condition(random, table, table.name)}`)
}

function remove(random: SeededRandom, table: Table): Statement {
  const back = returning(random, table)
  const where = condition(random, table)
  return counted(sql`delete from ${raw(table.name)} not indexed where ${where}${back.head}`, unordered(back))
}

function writeFts(random: SeededRandom, fts: Fts, schema: Schema): Statement {
  const f = raw(fts.name)
  const command = random.pick(["integrity-check", "optimize", "integrity-check"])
  if (random.chance(0.08)) return effect(sql`insert into ${f}(${f}) values (${command})`)
  if (fts.content !== null) {
    const content = schema.tables.find(({ name }) => name === fts.content)
    if (content === undefined) return effect(sql`insert into ${f}(${f}) values ('optimize')`)
    return random.weigh({ insert: 2, change: 1 }) === "insert" ? insert(random, content) : update(random, content)
  }
  const texts = (): SqlValue[] => [
    searchedText(random),
    random.chance(0.9) ? searchedText(random) : random.pick([null, 12, -0.5]),
  ]
  const id = 1 + random.below(40)
  switch (random.weigh({ insert: 4, auto: 2, update: 2, delete: 2, bulk: 1 })) {
    case "insert":
      return counted(sql`insert ${raw(random.pick(["", "or replace"]))} into ${f}(rowid, a, b)
        values (${sql.join([id, ...texts()])})`)
    case "auto":
      return counted(sql`insert into ${f}(a, b) values (${sql.join(texts())})`)
    case "update":
      return counted(sql`update ${f} set a = ${searchedText(random)} where rowid = ${id}`)
    case "delete":
      return counted(sql`delete from ${f} where rowid between ${id} and ${id + random.below(6)}`)
    case "bulk":
      return counted(sql`insert into ${f}(a, b) with recursive n(i) as (select 1 union all select i + 1 from n where i < ${5 + random.below(80)})
        select printf('%s word%d', ${searchedText(random)}, i % 17), printf('stone %d', i) from n`)
  }
}

/** Wrong on purpose: refused by both with the same words. */
function wrong(random: SeededRandom, table: Table): Statement {
  const { name } = random.pick(table.columns)
  const t = raw(table.name)
  const texts = [
    sql`insert into ${t}(nowhere) values (1)`,
    sql`update ${t} set nowhere = 1`,
    sql`delete from nothing`,
    sql`insert into ${t} values (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)`,
    sql`update ${t} set ${raw(name)} = abs(${-(2n ** 63n)})`,
    sql`update ${t} set ${raw(name)} = nofunction(1)`,
    sql`insert into ${t}(${raw(name)}) select max(${raw(name)}), 1 from ${t}`,
    sql`insert into ${t}(${raw(name)}) values (json('{'))`,
    sql`delete from ${t} wher 1`,
    sql`insert into ${t}(g) values (1)`,
  ]
  return effect(random.pick(texts))
}
