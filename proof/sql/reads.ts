import { type Sql, sql } from "../../packages/core/src/sqlite/sql.ts"
import type { Luck } from "../../packages/core/src/testing/luck.ts"
import type { Fts, Schema, Table, View } from "./schema.ts"
import { join, raw, type Statement, select } from "./statement.ts"
import { someId, valueFor, WORDS } from "./values.ts"

// Every answer has one order and one value for each column. What ties (1 and 1.0, 'a' and 'A' without case) is never
// grouped, made distinct or asked for its greatest: which one is shown would be the planner's choice.

export function someRead(luck: Luck, schema: Schema): Statement {
  const table = luck.pick(schema.tables)
  const fts = luck.pick(schema.fts)
  const view = luck.pick(schema.views)
  switch (
    luck.weigh({
      rows: 5,
      join: 2,
      group: 2,
      window: 2,
      recursive: 1,
      json: 2,
      compound: 1,
      match: 4,
      view: 1,
      math: 1,
    })
  ) {
    case "rows":
      return rowsOf(luck, table)
    case "join":
      return joined(luck, table, luck.pick(schema.tables))
    case "group":
      return grouped(luck, table)
    case "window":
      return windowed(luck, table)
    case "recursive":
      return recursive(luck, table)
    case "json":
      return json(luck, table)
    case "compound":
      return compound(luck, table, luck.pick(schema.tables))
    case "match":
      return fts === undefined ? rowsOf(luck, table) : matched(luck, fts)
    case "view":
      return view === undefined ? rowsOf(luck, table) : viewed(luck, view)
    case "math":
      return expressions(luck, table)
  }
}

export function orderOf({ key }: Table, alias = ""): Sql {
  return raw(`order by ${key.map((name) => (alias === "" ? name : `${alias}.${name}`)).join(", ")}`)
}

/** Everything that the table holds. */
export function wholeTable(table: Table): Statement {
  const columns = table.columns.map(({ name }) => raw(name))
  const rowid = table.key[0] === "rowid" ? [raw("rowid")] : []
  return select([...rowid, ...columns], sql`from ${raw(table.name)} ${orderOf(table)}`)
}

export function wholeFts({ name, columns }: Fts): Statement {
  return select([raw("rowid"), ...columns.map(raw)], raw(`from ${name} order by rowid`))
}

/** What holds for some rows of the table. */
export function condition(luck: Luck, table: Table, alias = ""): Sql {
  const column = luck.pick(table.columns)
  const c = raw(alias === "" ? column.name : `${alias}.${column.name}`)
  const value = valueFor(luck, column)
  switch (luck.weigh({ equal: 4, less: 2, between: 1, null: 1, in: 2, length: 2, like: 1, type: 1, any: 1, both: 1 })) {
    case "equal":
      return sql`${c} = ${value}`
    case "less":
      return sql`${c} < ${value}`
    case "between":
      return sql`${c} between ${someId(luck)} and ${value}`
    case "null":
      return sql`${c} is ${raw(luck.pick(["null", "not null"]))}`
    case "in":
      return sql`${c} in (${sql.join([value, someId(luck), someId(luck), luck.pick(WORDS)])})`
    case "length":
      return sql`length(${c}) > ${luck.below(8)}`
    case "like":
      // Debian's build answers false for LIKE on a blob, ours looks into it.
      return sql`typeof(${c}) = 'text' and ${c} like ${luck.pick(["a%", "%e%", "_", "%RIVER"])}`
    case "type":
      return sql`typeof(${c}) = ${luck.pick(["null", "integer", "real", "text", "blob"])}`
    case "any":
      return sql`true`
    case "both":
      return sql`(${condition(luck, table, alias)}) ${raw(luck.pick(["and", "or"]))} (${condition(luck, table, alias)})`
  }
}

function someColumns(luck: Luck, table: Table, alias = ""): Sql[] {
  const names = table.columns.filter(() => luck.chance(0.6)).map(({ name }) => name)
  if (names.length === 0) names.push(table.columns[0].name)
  return names.map((name) => raw(alias === "" ? name : `${alias}.${name}`))
}

function rowsOf(luck: Luck, table: Table): Statement {
  const limit = luck.chance(0.3) ? sql`limit ${luck.below(12)} offset ${luck.below(4)}` : raw("")
  const where = condition(luck, table)
  return select(someColumns(luck, table), sql`from ${raw(table.name)} where ${where} ${orderOf(table)} ${limit}`)
}

function joined(luck: Luck, left: Table, right: Table): Statement {
  const on = sql`a.${raw(luck.pick(left.columns).name)} = b.${raw(luck.pick(right.columns).name)}`
  const kind = raw(luck.pick(["join", "left join", "join"]))
  const order = raw(
    [...left.key.map((name) => keyOf("a", name)), ...right.key.map((name) => keyOf("b", name))].join(", "),
  )
  return select(
    [...someColumns(luck, left, "a").slice(0, 2), ...someColumns(luck, right, "b").slice(0, 2)],
    sql`from ${raw(left.name)} a ${kind} ${raw(right.name)} b on ${on}
      where ${condition(luck, left, "a")} order by ${order} limit 60`,
  )
}

function keyOf(alias: string, name: string): string {
  return name.startsWith("typeof(") ? name.replace("(", `(${alias}.`) : `${alias}.${name}`
}

function grouped(luck: Luck, table: Table): Statement {
  const column = raw(luck.pick(table.columns).name)
  const by = luck.pick([sql`length(${column})`, sql`typeof(${column})`, sql`${column} is null`])
  const having = luck.chance(0.3) ? raw("having count(*) > 1") : raw("")
  const aggregates = [
    raw("count(*)"),
    sql`count(${column})`,
    sql`sum(length(${column}))`,
    sql`max(length(${column}))`,
    sql`count(distinct typeof(${column}))`,
    sql`avg(length(${column}) % 8)`,
    sql`count(*) filter (where ${condition(luck, table)})`,
  ]
  const columns = aggregates.filter(() => luck.chance(0.5))
  return select([by, ...columns], sql`from ${raw(table.name)} group by ${by} ${having} order by ${by}`)
}

function windowed(luck: Luck, table: Table): Statement {
  const column = raw(luck.pick(table.columns).name)
  const partition = luck.chance(0.5) ? sql`partition by typeof(${column})` : raw("")
  const frame = luck.pick([
    "",
    "rows between 2 preceding and current row",
    "rows between unbounded preceding and 1 following exclude current row",
    "groups between 1 preceding and 1 following",
  ])
  const over = sql`over (${partition} ${orderOf(table)} ${raw(frame)})`
  const called = luck.pick([
    raw("row_number()"),
    raw("ntile(3)"),
    sql`lag(${column}, 1, 'none')`,
    sql`lead(length(${column}))`,
    sql`first_value(${column})`,
    sql`nth_value(${column}, 2)`,
    sql`sum(length(${column}))`,
    sql`group_concat(length(${column}), '/')`,
    sql`json_group_array(typeof(${column}))`,
  ])
  return select([sql`${called} ${over}`, raw(table.key[0])], sql`from ${raw(table.name)} ${orderOf(table)} limit 40`)
}

function recursive(luck: Luck, table: Table): Statement {
  const end = 2 + luck.below(30)
  const column = raw(luck.pick(table.columns).name)
  return {
    head: sql`with recursive n(i, s) as (select 1, 'a' union all select i + 1, substr(s || i, -9) from n where i < ${end}) select `,
    columns: [raw("i"), raw("s"), sql`(select count(*) from ${raw(table.name)} where length(${column}) = i)`],
    tail: raw(" from n order by i"),
    mode: "query",
    counts: null,
  }
}

function json(luck: Luck, table: Table): Statement {
  const column = raw(luck.pick(table.columns).name)
  // JSON ends at a NUL in 3.40 and goes on in ours.
  const text = sql`iif(instr(hex(${column}), '00') > 0, 'has a NUL', ${column})`
  const safe = sql`case typeof(${column}) when 'text' then ${text} when 'integer' then ${column} else typeof(${column}) end`
  const made = luck.pick([
    sql`json_object('v', ${safe}, 'n', json_array(1, ${safe}))`,
    sql`json_extract(json_array(${safe}, 2), '$[0]')`,
    sql`json_set('{"a":1}', '$.b', ${safe})`,
    sql`json_type(json_array(${safe}), '$[0]')`,
    sql`json_array(1, ${safe}) ->> 1`,
    sql`(select count(*) from json_each(json_array(${safe}, 1, null)) where value is not null)`,
    sql`json_valid(${safe})`,
    sql`json_quote(${safe})`,
  ])
  return select([made], sql`from ${raw(table.name)} ${orderOf(table)} limit 30`)
}

function compound(luck: Luck, left: Table, right: Table): Statement {
  const one = (table: Table) => {
    const { name } = luck.pick(table.columns)
    return sql`select ${raw(luck.pick([`length(${name})`, `typeof(${name})`, `hex(substr(${name}, 1, 2))`]))} as x
      from ${raw(table.name)} where ${condition(luck, table)}`
  }
  const kind = raw(luck.pick(["union", "union all", "except", "intersect"]))
  return select([raw("x")], sql`from (${one(left)} ${kind} ${one(right)}) order by x limit 60`)
}

const MATCHES = [
  ...["apple", "river OR stone", "stone AND river", "plum NOT tree", '"plum tree"', "ri*", "a : apple", "apple pear"],
  ...["NEAR(stone river, 3)", "^apple", "日本語", "é", '"', "AND", "body : river", "tree", "nothing", "x", "12"],
]

export function matched(luck: Luck, fts: Fts): Statement {
  const columns = luck.chance(0.5) ? [raw("rowid")] : [raw("rowid"), ...fts.columns.map(raw)]
  if (fts.hasWords && luck.chance(0.3)) columns.push(raw(`highlight(${fts.name}, 0, '[', ']')`))
  return select(columns, sql`from ${raw(fts.name)} where ${raw(fts.name)} match ${luck.pick(MATCHES)} order by rowid`)
}

function viewed(luck: Luck, { name, columns }: View): Statement {
  const order = columns.map((column) => `${column} collate binary, typeof(${column})`).join(", ")
  return select(
    columns.map(raw),
    sql`from ${raw(name)} where ${raw(luck.pick(columns))} is not null order by ${raw(order)}`,
  )
}

function expressions(luck: Luck, table: Table): Statement {
  const column = luck.pick(table.columns)
  const c = raw(column.name)
  const value = valueFor(luck, column)
  const made = [
    sql`${c} = ${value}`,
    sql`${c} > ${value}`,
    sql`coalesce(${c}, ${value})`,
    sql`nullif(${c}, ${value})`,
    sql`substr(${c}, 2, 3)`,
    sql`upper(substr(${c}, 1, 9))`,
    sql`instr(${c}, 'a')`,
    sql`replace(${c}, 'a', 'ä')`,
    sql`unicode(${c})`,
    sql`cast(${c} as integer)`,
    sql`abs(${c})`,
    sql`${c} + 1`,
    sql`${c} & 255`,
    sql`${c} % 7`,
    sql`trim(${c})`,
    sql`min(length(${c}), 5)`,
    sql`printf('%d|%s', length(${c}), typeof(${c}))`,
    sql`${c} || '!'`,
    sql`hex(substr(${c}, -3))`,
    sql`exists (select 1 from ${raw(table.name)} x where x.${c} = ${c})`,
  ].filter(() => luck.chance(0.2))
  const columns = made.length === 0 ? [c] : made
  return select(columns, sql`from ${raw(table.name)} where typeof(${c}) <> 'blob' ${orderOf(table)} limit 20`)
}

/** What an app would keep on its screen: mostly small, each over one or two tables. */
export function liveRead(luck: Luck, schema: Schema): Sql {
  const { head, columns, tail } = someRead(luck, schema)
  return sql`${head}${join(
    columns.map((column, i) => sql`${column} as ${raw(`v${i}`)}`),
    ", ",
  )}${tail}`
}
