import { type SeededRandom, type Sql, sql } from "@lf/core/testing"
import type { Fts, Schema, Table, View } from "./schema.ts"
import { join, raw, type Statement, select } from "./statement.ts"
import { someId, valueFor, WORDS } from "./values.ts"

// Every answer has one order and one value for each column. What ties (1 and 1.0, 'a' and 'A' without case) is never
// grouped, made distinct or asked for its greatest: which one is shown would be the planner's choice.

export function someRead(random: SeededRandom, schema: Schema): Statement {
  const table = random.pick(schema.tables)
  const fts = random.pick(schema.fts)
  const view = random.pick(schema.views)
  switch (
    random.weigh({
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
      return rowsOf(random, table)
    case "join":
      return joined(random, table, random.pick(schema.tables))
    case "group":
      return grouped(random, table)
    case "window":
      return windowed(random, table)
    case "recursive":
      return recursive(random, table)
    case "json":
      return json(random, table)
    case "compound":
      return compound(random, table, random.pick(schema.tables))
    case "match":
      return fts === undefined ? rowsOf(random, table) : matched(random, fts)
    case "view":
      return view === undefined ? rowsOf(random, table) : viewed(random, view)
    case "math":
      return expressions(random, table)
  }
}

function orderOf({ key }: Table, alias = ""): Sql {
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
export function condition(random: SeededRandom, table: Table, alias = ""): Sql {
  const column = random.pick(table.columns)
  const c = raw(alias === "" ? column.name : `${alias}.${column.name}`)
  const value = valueFor(random, column)
  switch (
    random.weigh({ equal: 4, less: 2, between: 1, null: 1, in: 2, length: 2, like: 1, type: 1, any: 1, both: 1 })
  ) {
    case "equal":
      return sql`${c} = ${value}`
    case "less":
      return sql`${c} < ${value}`
    case "between":
      return sql`${c} between ${someId(random)} and ${value}`
    case "null":
      return sql`${c} is ${raw(random.pick(["null", "not null"]))}`
    case "in":
      return sql`${c} in (${sql.join([value, someId(random), someId(random), random.pick(WORDS)])})`
    case "length":
      return sql`length(${c}) > ${random.below(8)}`
    case "like":
      // Debian's build answers false for LIKE on a blob, ours looks into it.
      return sql`typeof(${c}) = 'text' and ${c} like ${random.pick(["a%", "%e%", "_", "%RIVER"])}`
    case "type":
      return sql`typeof(${c}) = ${random.pick(["null", "integer", "real", "text", "blob"])}`
    case "any":
      return sql`true`
    case "both":
      return sql`(${condition(random, table, alias)}) ${raw(random.pick(["and", "or"]))} (${condition(random, table, alias)})`
  }
}

function someColumns(random: SeededRandom, table: Table, alias = ""): Sql[] {
  const names = table.columns.filter(() => random.chance(0.6)).map(({ name }) => name)
  if (names.length === 0) names.push(table.columns[0].name)
  return names.map((name) => raw(alias === "" ? name : `${alias}.${name}`))
}

function rowsOf(random: SeededRandom, table: Table): Statement {
  const limit = random.chance(0.3) ? sql`limit ${random.below(12)} offset ${random.below(4)}` : raw("")
  const where = condition(random, table)
  return select(someColumns(random, table), sql`from ${raw(table.name)} where ${where} ${orderOf(table)} ${limit}`)
}

function joined(random: SeededRandom, left: Table, right: Table): Statement {
  const on = sql`a.${raw(random.pick(left.columns).name)} = b.${raw(random.pick(right.columns).name)}`
  const kind = raw(random.pick(["join", "left join", "join"]))
  const order = raw(
    [...left.key.map((name) => keyOf("a", name)), ...right.key.map((name) => keyOf("b", name))].join(", "),
  )
  return select(
    [...someColumns(random, left, "a").slice(0, 2), ...someColumns(random, right, "b").slice(0, 2)],
    sql`from ${raw(left.name)} a ${kind} ${raw(right.name)} b on ${on}
      where ${condition(random, left, "a")} order by ${order} limit 60`,
  )
}

function keyOf(alias: string, name: string): string {
  return name.startsWith("typeof(") ? name.replace("(", `(${alias}.`) : `${alias}.${name}`
}

function grouped(random: SeededRandom, table: Table): Statement {
  const column = raw(random.pick(table.columns).name)
  const by = random.pick([sql`length(${column})`, sql`typeof(${column})`, sql`${column} is null`])
  const having = random.chance(0.3) ? raw("having count(*) > 1") : raw("")
  const aggregates = [
    raw("count(*)"),
    sql`count(${column})`,
    sql`sum(length(${column}))`,
    sql`max(length(${column}))`,
    sql`count(distinct typeof(${column}))`,
    sql`avg(length(${column}) % 8)`,
    sql`count(*) filter (where ${condition(random, table)})`,
  ]
  const columns = aggregates.filter(() => random.chance(0.5))
  return select([by, ...columns], sql`from ${raw(table.name)} group by ${by} ${having} order by ${by}`)
}

function windowed(random: SeededRandom, table: Table): Statement {
  const column = raw(random.pick(table.columns).name)
  const partition = random.chance(0.5) ? sql`partition by typeof(${column})` : raw("")
  const frame = random.pick([
    "",
    "rows between 2 preceding and current row",
    "rows between unbounded preceding and 1 following exclude current row",
    "groups between 1 preceding and 1 following",
  ])
  const over = sql`over (${partition} ${orderOf(table)} ${raw(frame)})`
  const called = random.pick([
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

function recursive(random: SeededRandom, table: Table): Statement {
  const end = 2 + random.below(30)
  const column = raw(random.pick(table.columns).name)
  return {
    head: sql`with recursive n(i, s) as (select 1, 'a' union all select i + 1, substr(s || i, -9) from n where i < ${end}) select `,
    columns: [raw("i"), raw("s"), sql`(select count(*) from ${raw(table.name)} where length(${column}) = i)`],
    tail: raw(" from n order by i"),
    mode: "query",
    counts: null,
  }
}

function json(random: SeededRandom, table: Table): Statement {
  const column = raw(random.pick(table.columns).name)
  // JSON ends at a NUL in 3.40 and goes on in ours.
  const text = sql`iif(instr(hex(${column}), '00') > 0, 'has a NUL', ${column})`
  const safe = sql`case typeof(${column}) when 'text' then ${text} when 'integer' then ${column} else typeof(${column}) end`
  const made = random.pick([
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

function compound(random: SeededRandom, left: Table, right: Table): Statement {
  const one = (table: Table) => {
    const { name } = random.pick(table.columns)
    return sql`select ${raw(random.pick([`length(${name})`, `typeof(${name})`, `hex(substr(${name}, 1, 2))`]))} as x
      from ${raw(table.name)} where ${condition(random, table)}`
  }
  const kind = raw(random.pick(["union", "union all", "except", "intersect"]))
  return select([raw("x")], sql`from (${one(left)} ${kind} ${one(right)}) order by x limit 60`)
}

const MATCHES = [
  ...["apple", "river OR stone", "stone AND river", "plum NOT tree", '"plum tree"', "ri*", "a : apple", "apple pear"],
  ...["NEAR(stone river, 3)", "^apple", "日本語", "é", '"', "AND", "body : river", "tree", "nothing", "x", "12"],
]

export function matched(random: SeededRandom, fts: Fts): Statement {
  const columns = random.chance(0.5) ? [raw("rowid")] : [raw("rowid"), ...fts.columns.map(raw)]
  if (fts.hasWords && random.chance(0.3)) columns.push(raw(`highlight(${fts.name}, 0, '[', ']')`))
  return select(columns, sql`from ${raw(fts.name)} where ${raw(fts.name)} match ${random.pick(MATCHES)} order by rowid`)
}

function viewed(random: SeededRandom, { name, columns }: View): Statement {
  const order = columns.map((column) => `${column} collate binary, typeof(${column})`).join(", ")
  return select(
    columns.map(raw),
    sql`from ${raw(name)} where ${raw(random.pick(columns))} is not null order by ${raw(order)}`,
  )
}

function expressions(random: SeededRandom, table: Table): Statement {
  const column = random.pick(table.columns)
  const c = raw(column.name)
  const value = valueFor(random, column)
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
  ].filter(() => random.chance(0.2))
  const columns = made.length === 0 ? [c] : made
  return select(columns, sql`from ${raw(table.name)} where typeof(${c}) <> 'blob' ${orderOf(table)} limit 20`)
}

/** What an app would keep on its screen: mostly small, each over one or two tables. */
export function liveRead(random: SeededRandom, schema: Schema): Sql {
  const { head, columns, tail } = someRead(random, schema)
  return sql`${head}${join(
    columns.map((column, i) => sql`${column} as ${raw(`v${i}`)}`),
    ", ",
  )}${tail}`
}
