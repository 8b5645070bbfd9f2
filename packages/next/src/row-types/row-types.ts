import { isLfError, LfError, type Sql, sql, undoLog } from "@lf/core"
import { type DocumentSchema, type Instruction, loadChecksum, StatementProbe } from "@lf/core/internal"
import { loadSqlite } from "../node/load-sqlite.ts"
import { AppSources, isNode, type Node, nameOf, nodesOf, placeOf, type Source } from "./app-sources.ts"
import { type ParameterType, parameterTypes } from "./parameter-types.ts"
import { type QueryColumn, queryColumns } from "./query-columns.ts"
import { annotationOf, wrongIn } from "./row-annotation.ts"
import { isOurs, type SqlLiteral, SqlLiterals, unwrapped } from "./sql-literals.ts"
import { sqlTokens } from "./sql-tokens.ts"

export interface RowTypes {
  /** The declarations for the app's lf-types.d.ts. */
  readonly declarations: string
  /** "file:line:column message", by place. */
  readonly problems: readonly string[]
  readonly checkedCount: number
  /** Statements that have a part which is only known when they run. */
  readonly dynamicCount: number
}

const STATEMENT = /^\s*(--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(select|with|values|insert|replace|update|delete)\b/i
const READS = /^\s*(--[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*(select|with|values)\b/i

/**
 * Checks the sql literals of an app against its migrations, in SQLite itself, and makes types of its rows. Runs nothing of the
 * app: its sources are read.
 * @throws TYPES_NO_MUTATOR
 */
export async function rowTypes(appDir: string, mutatorFile?: string): Promise<RowTypes> {
  await loadChecksum()
  const sources = new AppSources(appDir)
  const literals = new SqlLiterals(sources)
  const migrations = migrationsOf(sources, literals, mutatorFile)
  const problems = new Problems()
  const probe = await probeOf(migrations, problems)
  if (probe === null) return { declarations: "", problems: problems.all(), checkedCount: 0, dynamicCount: 0 }
  const joined = new StatementProbe(await loadSqlite(), statementsOf(migrations), { joined: true })
  try {
    const run = new TypeRun({ sources, probe, joined, problems })
    const isMigration = new Set(migrations.map(({ node }) => node))
    for (const source of sources.all()) {
      for (const literal of literals.in(source)) if (!isMigration.has(literal.node)) run.look(literal)
    }
    return { declarations: run.declarations(), problems: problems.all(), ...run.counts }
  } finally {
    probe.close()
    joined.close()
  }
}

/**
 * The schema that an app's migrations make, from its sources.
 * @throws TYPES_NO_MUTATOR MIGRATION_FAILED
 */
export async function schemaOfApp(appDir: string, mutatorFile: string): Promise<DocumentSchema> {
  await loadChecksum()
  const sources = new AppSources(appDir)
  const migrations = migrationsOf(sources, new SqlLiterals(sources), mutatorFile)
  const probe = new StatementProbe(await loadSqlite(), statementsOf(migrations))
  const schema = probe.schema()
  probe.close()
  return schema
}

class Problems {
  readonly #found: { readonly source: Source; readonly offset: number; readonly message: string }[] = []

  add(source: Source, offset: number, message: string): void {
    this.#found.push({ source, offset, message })
  }

  /** One for each place: a fragment is part of several statements. */
  all(): string[] {
    const sorted = this.#found.sort((a, b) =>
      a.source.path === b.source.path ? a.offset - b.offset : a.source.path < b.source.path ? -1 : 1,
    )
    return [...new Set(sorted.map(({ source, offset, message }) => `${placeOf(source, offset)} ${message}`))]
  }
}

class TypeRun {
  readonly #sources: AppSources
  readonly #probe: StatementProbe
  readonly #joined: StatementProbe
  readonly #problems: Problems
  readonly #named = new Map<string, { readonly place: string; readonly rows: string }>()
  /** Of one name there may be statements with several kinds of parameters. */
  readonly #parameters = new Map<string, Set<string>>()
  readonly counts = { checkedCount: 0, dynamicCount: 0 }

  constructor(parts: { sources: AppSources; probe: StatementProbe; joined: StatementProbe; problems: Problems }) {
    this.#sources = parts.sources
    this.#probe = parts.probe
    this.#joined = parts.joined
    this.#problems = parts.problems
  }

  look(literal: SqlLiteral): void {
    const annotation = annotationOf(literal.node)
    const isStatement = STATEMENT.test(literal.text)
    const program = isStatement && !literal.isDynamic ? this.#explain(literal) : null
    if (program === null) {
      if (isStatement && literal.isDynamic) this.counts.dynamicCount++
      if (annotation.type === "name" && (!isStatement || literal.isDynamic))
        this.#problems.add(
          literal.source,
          annotation.node.start,
          "expected a statement that is known here, to name its rows and parameters",
        )
      return
    }
    this.counts.checkedCount++
    if (annotation.type === "name") this.#nameParameters(annotation.name, literal, program)
    if (annotation.type === "none" || !READS.test(literal.text)) return
    const columns = this.#columnsOf(literal)
    if (columns === null) return
    const { source } = literal
    if (annotation.type === "name") this.#name(annotation.name, source, annotation.node, rowOf(columns))
    else
      for (const wrong of wrongIn(this.#sources, source, annotation.node, columns))
        this.#problems.add(source, annotation.node.start, wrong)
  }

  declarations(): string {
    const tables = this.#probe.tables().map(({ name, columns }) => {
      const row = columns.map(({ name: column, type, isNotNull }) => `${keyOf(column)}: ${tableType(type, isNotNull)}`)
      return `    ${keyOf(name)}: { ${row.join("; ")} }`
    })
    const names = [...this.#named.keys()].sort()
    const queries = names.map((name) => `    ${keyOf(name)}: ${this.#named.get(name)?.rows}`)
    const parameters = [...this.#parameters].sort(([a], [b]) => (a < b ? -1 : 1))
    const tuples = parameters.map(([name, kinds]) => `    ${keyOf(name)}: ${[...kinds].sort().join(" | ")}`)
    const lines = [...tables, ...queries, ...tuples].join()
    const used = ["Sql", "SqlValue"].filter((type) => new RegExp(`\\b${type}\\b`).test(lines))
    return [
      "// Written by `lf types`: its next run replaces it.",
      `import type { ${used.join(", ")} } from "@lf/core"`.replace("{  }", "{}"),
      "",
      'declare module "@lf/core" {',
      ...interfaceOf("Tables", tables),
      ...interfaceOf("QueryRows", queries),
      ...interfaceOf("QueryParameters", tuples),
      "}",
      "",
    ].join("\n")
  }

  /** Null: SQLite refuses it, which is a problem, or it has a part that comes when it runs. */
  #explain(literal: SqlLiteral): Instruction[] | null {
    try {
      return this.#probeFor(literal).explain(inOneSchema(literal.text), literal.parameterCount)
    } catch (error) {
      if (!isLfError(error)) throw error
      if (isValueForPart(error.message)) this.counts.dynamicCount++
      else this.#problems.add(...offsetIn(literal, error.message), error.message)
      return null
    }
  }

  /** A query over several documents is known by its `_doc`. */
  #probeFor({ text }: SqlLiteral): StatementProbe {
    return sqlTokens(text).some(({ word }) => word === "_doc") ? this.#joined : this.#probe
  }

  #columnsOf(literal: SqlLiteral): QueryColumn[] | null {
    try {
      return queryColumns(this.#probeFor(literal), withNulls(inOneSchema(literal.text)))
    } catch (error) {
      if (!isLfError(error)) throw error
      this.#problems.add(literal.source, literal.node.start, `its columns cannot be typed: ${error.message}`)
      return null
    }
  }

  #nameParameters(name: string, literal: SqlLiteral, program: readonly Instruction[]): void {
    const probe = this.#probeFor(literal)
    const types = parameterTypes(program, literal.parameterCount, (table) => probe.storedTypes(table))
    const elements = literal.interpolations.map((at) => (at === null ? "Sql" : parameterOf(types[at])))
    const kinds = this.#parameters.get(name) ?? new Set()
    this.#parameters.set(name, kinds.add(`[${elements.join(", ")}]`))
  }

  #name(name: string, source: Source, node: Node, rows: string): void {
    const known = this.#named.get(name)
    const place = placeOf(source, node.start)
    if (known === undefined) this.#named.set(name, { place, rows })
    else if (known.rows !== rows)
      this.#problems.add(source, node.start, `expected "${name}" for one kind of rows, got others at ${known.place}`)
  }
}

function interfaceOf(name: string, members: readonly string[]): string[] {
  return members.length === 0 ? [] : [`  interface ${name} {`, ...members, "  }"]
}

/** The literals of the app's migrations, in order. @throws TYPES_NO_MUTATOR */
function migrationsOf(sources: AppSources, literals: SqlLiterals, file: string | undefined): SqlLiteral[] {
  const searched = file === undefined ? sources.all() : [sources.read(file)].filter((one) => one !== null)
  const found = searched.flatMap((source) =>
    source.nodes
      .filter((node) => node.type === "CallExpression" && nameOf(node.callee) === "defineMutator")
      .map((node) => ({ source, node })),
  )
  const [mutator, other] = found
  if (mutator === undefined) {
    const { leftOut } = sources
    const why = leftOut.length === 0 ? "" : `: ${leftOut.join(", ")} has an lf-types.d.ts of its own and was left out`
    throw new LfError(
      "TYPES_NO_MUTATOR",
      `expected defineMutator({ … }) in ${file ?? sources.directory}, found none${file === undefined ? why : ""}`,
    )
  }
  if (other !== undefined) {
    const places = found.map(({ source, node }) => placeOf(source, node.start)).join(", ")
    throw new LfError(
      "TYPES_NO_MUTATOR",
      `expected one defineMutator({ … }), found ${places}: name the file, --mutator <file>, or give the documents of another kind a folder with its own lf-types.d.ts`,
    )
  }
  const { source, node } = mutator
  const [options] = nodesOf(node.arguments)
  const property = nodesOf(options?.properties).find(({ key }) => nameOf(key) === "migrations")
  const value = property !== undefined && isNode(property.value) ? property.value : null
  return value === null ? [] : listed(sources, literals, source, value)
}

/** The literals of an array that is written out, also in another file. @throws TYPES_NO_MUTATOR */
function listed(sources: AppSources, literals: SqlLiterals, source: Source, expression: Node): SqlLiteral[] {
  const node = unwrapped(expression)
  const literal = literals.find(source, node)
  if (literal !== null) return [literals.of(literal)]
  if (node.type === "ArrayExpression")
    return nodesOf(node.elements).flatMap((one) => listed(sources, literals, source, one))
  if (node.type === "SpreadElement" && isNode(node.argument)) return listed(sources, literals, source, node.argument)
  const imported = source.imports.get(nameOf(node))
  if (node.type === "Identifier" && imported !== undefined && isOurs(imported.from) && imported.name === "undoLog")
    return [{ source, node, text: undoLog.sql, pieces: [], parameterCount: 0, interpolations: [], isDynamic: false }]
  const found = node.type === "Identifier" ? sources.resolve(source, nameOf(node)) : null
  if (found !== null && found.node !== node) return listed(sources, literals, found.source, found.node)
  throw new LfError(
    "TYPES_NO_MUTATOR",
    `${placeOf(source, node.start)} expected the migrations as a list of sql literals, got what is only known when it runs`,
  )
}

/** Null: a migration fails, which is a problem then. */
async function probeOf(migrations: readonly SqlLiteral[], problems: Problems): Promise<StatementProbe | null> {
  try {
    return new StatementProbe(await loadSqlite(), statementsOf(migrations))
  } catch (error) {
    if (!isLfError(error)) throw error
    const position = Number(/^migration (\d+)/.exec(error.message)?.[1] ?? migrations.length - 1)
    const literal = migrations[position]
    if (literal === undefined) throw error
    problems.add(...offsetIn(literal, error.message), error.message)
    return null
  }
}

function statementsOf(migrations: readonly SqlLiteral[]): Sql<unknown>[] {
  return migrations.map(({ text }) => sql(Object.assign([text], { raw: [text] })))
}

/** The user's own tables (`own.drafts`) are those of every document: without "own", and as long. */
function inOneSchema(text: string): string {
  const tokens = sqlTokens(text)
  const schemas = tokens.filter(
    ({ word }, i) => word === "own" && tokens[i + 1]?.text === "." && tokens[i - 1]?.text !== ".",
  )
  let plain = text
  for (const { start, end } of schemas) {
    const dot = text.indexOf(".", end)
    plain = `${plain.slice(0, start)}${" ".repeat(dot + 1 - start)}${plain.slice(dot + 1)}`
  }
  return plain
}

/** A value stands where only a part of a statement can: it is a fragment that comes when it runs. */
function isValueForPart(message: string): boolean {
  return message.includes('near "?"')
}

/** Where the name or text is that SQLite's message names; else where the literal begins. */
function offsetIn({ text, pieces, source, node }: SqlLiteral, message: string): [Source, number] {
  const named =
    /no such (?:column|table|function): (?:[\w$]+\.)?([\w$]+)|near "([^"]+)"|has no column named ([\w$]+)/.exec(message)
  const word = named?.[1] ?? named?.[2] ?? named?.[3]
  if (word !== undefined) {
    for (const match of text.matchAll(new RegExp(`(?<![\\w$])${word.replace(/[^\w]/g, "\\$&")}(?![\\w$])`, "g"))) {
      const piece = pieces.find(({ at, length }) => match.index >= at && match.index < at + length)
      if (piece !== undefined) return [piece.source, piece.start + match.index - piece.at]
    }
  }
  return [source, node.start]
}

/** "?" outside of texts, names and comments as null: a view has no parameters. */
function withNulls(text: string): string {
  return text.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?\d*/g, (found) =>
    found.startsWith("?") ? "null" : found,
  )
}

function rowOf(columns: readonly QueryColumn[]): string {
  return `{ ${columns.map((column) => `${keyOf(column.name)}: ${typeOf(column)}`).join("; ")} }`
}

function typeOf({ base, isNullable }: QueryColumn): string {
  if (base.has("unknown")) return "SqlValue"
  return [...base, ...(isNullable || base.size === 0 ? ["null"] : [])].join(" | ")
}

function parameterOf({ base, isNullable }: ParameterType): string {
  if (base === "unknown") return "SqlValue"
  return isNullable ? `${base} | null` : base
}

/** Of a table SQLite says all: BLOB is bytes, and ANY is anything. */
function tableType(type: string, isNotNull: boolean): string {
  const base = /INT|REAL|FLOA|DOUB|NUM/.test(type)
    ? "number"
    : /CHAR|CLOB|TEXT/.test(type)
      ? "string"
      : type === "BLOB"
        ? "Uint8Array"
        : null
  if (base === null) return "SqlValue"
  return isNotNull ? base : `${base} | null`
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}
