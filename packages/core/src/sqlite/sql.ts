import { LfError } from "../base/error.ts"
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

export type Query<R = unknown> = Sql<R> | Compilable<R>

const TEMPLATES = new WeakSet<object>()

/**
 * SQL with bound parameters: sql`select * from todos where id = ${id}`. An interpolated `sql` value is spliced in, anything
 * else is bound; text is never pasted into the statement (S6). Identifiers go through `sql.id`, lists through `sql.join`.
 *
 * @throws SQL_BAD_PARAMETER when a value cannot be bound
 */
export function sql<R = unknown>(strings: TemplateStringsArray, ...args: readonly (SqlArg | Sql<unknown>)[]): Sql<R> {
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
  return branded(`"${name.replaceAll('"', '""')}"`, [])
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
  if (TEMPLATES.has(query)) return query
  return { sql: query.sql, parameters: query.parameters.map(toSqlValue) }
}
