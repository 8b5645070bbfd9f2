import { LfError } from "../base/error.ts"
import { quotedName } from "./quoted.ts"
import { type SqlArg, type SqlValue, toSqlValue } from "./value.ts"

/** One statement and its parameters. `R` is the type of its rows: an assertion of the author's, nothing checks it. */
export interface Sql<R = unknown> {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  /** Carries `R`; never there at run time. */
  readonly rowType?: R
}

/** What Kysely and other builders give: anything that compiles to SQL and parameters. */
export interface Compilable<R = unknown> {
  execute(): Promise<readonly R[]>
  compile(): { readonly sql: string; readonly parameters: readonly unknown[] }
}

/** What Drizzle's builder gives for SQLite. */
export interface DrizzleStatement {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
}

/** One that answers rows. */
export interface DrizzleQuery<R = unknown> extends DrizzleStatement {
  readonly _: { readonly result: readonly R[] }
}

export type Query<R = unknown> = Sql<R> | Compilable<R> | DrizzleQuery<R> | DrizzleStatement

/** The rows of the queries that the app gave a name, sql<"name">`…`: `lf types` writes them. */
// biome-ignore lint/suspicious/noEmptyInterface: the app's lf-types.d.ts fills it
export interface QueryRows {}

/** What is interpolated in the statements that the app gave a name, one tuple for each: `lf types` writes them. */
// biome-ignore lint/suspicious/noEmptyInterface: the app's lf-types.d.ts fills it
export interface QueryParameters {}

/** The app's tables by name, each as one row: `lf types` writes them. */
// biome-ignore lint/suspicious/noEmptyInterface: the app's lf-types.d.ts fills it
export interface Tables {}

/** The type of the rows of sql<R>`…`: R, or what `lf types` found for the query of that name. */
export type RowOf<R> = R extends keyof QueryRows ? QueryRows[R] : R extends string ? Record<string, SqlValue> : R

/** What sql<R>`…` takes: what `lf types` found for the statement of that name, else all that may be bound or spliced in. */
export type ArgsOf<R> = Extract<
  [R] extends [never] ? Anything : R extends keyof QueryParameters ? Interpolations<QueryParameters[R]> : Anything,
  Anything
>

type Anything = readonly (SqlArg | Sql<unknown>)[]

/** A fragment may stand for any value; an integer may be a bigint, or a boolean as 0 or 1. */
type Interpolations<P> = {
  [I in keyof P]: P[I] | Sql<unknown> | (number extends P[I] ? bigint | boolean : never)
}

const TEMPLATES = new WeakSet<object>()

/**
 * SQL with bound parameters: `` sql`select * from todos where id = ${id}` ``. An interpolated `sql` value is spliced in, anything
 * else is bound; text is never pasted into the statement (S6). Identifiers go through `sql.id`, lists through `sql.join`.
 *
 * @throws SQL_BAD_PARAMETER when a value cannot be bound
 */
export function sql<R = unknown>(strings: TemplateStringsArray, ...args: ArgsOf<R>): Sql<RowOf<R>> {
  if (!Array.isArray(strings) || !("raw" in strings)) {
    throw new LfError("SQL_BAD_PARAMETER", "sql is a template tag: write sql`…`, not sql(text)")
  }
  let text = strings[0]
  const parameters: SqlValue[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (isSql(arg)) {
      text += arg.sql
      parameters.push(...arg.parameters)
    } else {
      text += "?"
      parameters.push(toSqlValue(arg))
    }
    text += strings[i + 1]
  }
  return branded(text, parameters)
}

/** A quoted identifier: sql`select * from ${sql.id("todos")}`. */
sql.id = (name: string): Sql<never> => {
  if (name.length === 0 || name.includes("\0"))
    throw new LfError("SQL_BAD_PARAMETER", "expected an identifier, got an empty one or one with a NUL")
  return branded(quotedName(name), [])
}

/** Values or fragments with commas between: sql`… where id in (${sql.join(ids)})`. */
sql.join = (items: readonly (SqlArg | Sql<unknown>)[]): Sql<never> => {
  const parameters: SqlValue[] = []
  const texts = items.map((item) => {
    if (isSql(item)) {
      parameters.push(...item.parameters)
      return item.sql
    }
    parameters.push(toSqlValue(item))
    return "?"
  })
  return branded(texts.join(", "), parameters)
}

/** A condition that may be left out. */
type Condition = Sql<unknown> | false | null | undefined

/**
 * All of the conditions, those that are false, null or undefined left out; of none: true.
 * @example sql`select * from issues where ${sql.and([sql`project = ${id}`, status && sql`status = ${status}`])}`
 */
sql.and = (conditions: readonly Condition[]): Sql<never> => combined(conditions, "and", "1")

/** One of the conditions at least, those that are false, null or undefined left out; of none: false. */
sql.or = (conditions: readonly Condition[]): Sql<never> => combined(conditions, "or", "0")

/**
 * Columns and their new values; one that is undefined is left out: a partial update.
 * @example tx.run(sql`update todos set ${sql.set({ title, done })} where id = ${id}`)
 * @throws SQL_BAD_PARAMETER when nothing is left
 */
sql.set = (values: Readonly<Record<string, SqlArg | Sql<unknown> | undefined>>): Sql<never> => {
  const parts = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [sql`${sql.id(name)} = ${value}`],
  )
  if (parts.length === 0)
    throw new LfError("SQL_BAD_PARAMETER", "sql.set: expected a column with a value, got none: skip the update")
  return sql.join(parts)
}

/**
 * Columns and rows of an insert; every row has the columns of the first.
 * @example tx.run(sql`insert into todos ${sql.values([{ id, title }])}`)
 * @throws SQL_BAD_PARAMETER
 */
sql.values = (rows: readonly Readonly<Record<string, SqlArg | Sql<unknown>>>[]): Sql<never> => {
  const names = Object.keys(rows[0] ?? {})
  if (names.length === 0) throw new LfError("SQL_BAD_PARAMETER", "sql.values: expected a row with a column, got none")
  const lists = rows.map((row, i) => {
    const isLike = Object.keys(row).length === names.length && names.every((name) => Object.hasOwn(row, name))
    if (!isLike)
      throw new LfError(
        "SQL_BAD_PARAMETER",
        `sql.values: expected the columns ${names.join(", ")} in each row, got others in row ${i + 1}`,
      )
    return sql`(${sql.join(names.map((name) => row[name]))})`
  })
  return sql`(${sql.join(names.map(sql.id))}) values ${sql.join(lists)}` as Sql<never>
}

function combined(conditions: readonly Condition[], word: "and" | "or", none: string): Sql<never> {
  const parameters: SqlValue[] = []
  const texts: string[] = []
  for (const condition of conditions) {
    if (condition === false || condition === null || condition === undefined) continue
    if (!isSql(condition))
      throw new LfError("SQL_BAD_PARAMETER", `sql.${word}: expected conditions made with sql, got another value`)
    parameters.push(...condition.parameters)
    texts.push(`(${condition.sql})`)
  }
  return branded(texts.length === 0 ? none : `(${texts.join(` ${word} `)})`, parameters)
}

function branded<R>(text: string, parameters: readonly SqlValue[]): Sql<R> {
  const made: Sql<R> = Object.freeze({ sql: text, parameters: Object.freeze(parameters) as readonly SqlValue[] })
  TEMPLATES.add(made)
  return made
}

/** Only what the tag made is spliced: a look-alike object from outside (JSON, say) is refused as a value. */
function isSql(value: unknown): value is Sql<unknown> {
  return typeof value === "object" && value !== null && TEMPLATES.has(value)
}

/**
 * Any query as text and bound values.
 * @throws SQL_BAD_PARAMETER
 */
export function compileQuery(query: Query<unknown>): Sql<unknown> {
  if ("compile" in query) {
    const compiled = query.compile()
    return { sql: compiled.sql, parameters: compiled.parameters.map(toSqlValue) }
  }
  if ("toSQL" in query) {
    const { sql: text, params } = query.toSQL()
    return { sql: text, parameters: params.map(toSqlValue) }
  }
  if (TEMPLATES.has(query)) return query
  return { sql: query.sql, parameters: query.parameters.map(toSqlValue) }
}
