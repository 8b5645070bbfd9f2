import type { StatementProbe } from "@lf/core/internal"
import { type SqlToken, splitAt, sqlTokens, textOf } from "./sql-tokens.ts"

/** What a column's values can be. Of `base` "unknown" nothing is known. */
export interface ColumnType {
  readonly base: ReadonlySet<"string" | "number" | "Uint8Array" | "unknown">
  readonly isNullable: boolean
}

/** Where an expression stands: the query's "with …" and its "from …". */
export interface Place {
  readonly probe: StatementProbe
  readonly prefix: string
  readonly from: string
}

type Base = ColumnType["base"]
const STRING: Base = new Set(["string"] as const)
const NUMBER: Base = new Set(["number"] as const)
const UNKNOWN: Base = new Set(["unknown"] as const)

const words = (text: string) => new Set(text.split(" "))
const NUMBER_FUNCTIONS = words(
  "count sum total avg length octet_length instr abs round sign random unixepoch julianday unicode row_number rank dense_rank ntile percent_rank cume_dist bm25 json_array_length json_valid changes likely unlikely",
)
const STRING_FUNCTIONS = words(
  "lower upper trim ltrim rtrim replace substr substring printf format hex quote char concat concat_ws date time datetime strftime timediff group_concat string_agg json json_object json_array json_group_array json_group_object json_quote json_type highlight snippet typeof",
)
/** Their values are those of their arguments. */
const SAME_FUNCTIONS = words("min max coalesce ifnull nullif first_value last_value nth_value lag lead")
const NEVER_NULL = words(
  "count total typeof quote hex random row_number rank dense_rank ntile percent_rank cume_dist json_object json_array json_group_array json_group_object concat json_quote bm25",
)
/** Null exactly when an argument is. */
const NULL_OF_ARGUMENTS = words(
  "lower upper trim ltrim rtrim length octet_length abs instr replace substr substring round",
)
const AGGREGATES = words("count sum total avg group_concat string_agg json_group_array json_group_object")
const TEXT_OPERATORS = words("|| ->")
const NUMBER_OPERATORS = words(
  "+ - * / % & | << >> = == <> != < > <= >= and or not is in like glob match between isnull notnull",
)
/** Null exactly when an operand is. */
const NULL_OF_OPERANDS = words("|| + - * = == <> != < > <= >=")

/** The type of an expression of a select list. `declared`: what SQLite says of it. */
export function expressionType(text: string, declared: string, place: Place): ColumnType {
  const tokens = stripped(sqlTokens(text))
  const sql = text
  const base = declaredBase(declared) ?? baseOf(sql, tokens, place)
  return { base, isNullable: isNullable(sql, tokens, place) }
}

/** Whether a select list with this item has one row for all when there is no GROUP BY. */
export function isAggregate(text: string): boolean {
  const tokens = sqlTokens(text)
  if (tokens.some(({ word, kind }) => kind === "word" && word === "over")) return false
  const [name] = tokens
  const isMinMax = (name?.word === "min" || name?.word === "max") && (callOf(tokens)?.args.length ?? 0) === 1
  return isMinMax || tokens.some(({ word }, i) => AGGREGATES.has(word) && tokens[i + 1]?.text === "(")
}

/** The values of a column of this declared type; null: SQLite did not say. */
function declaredBase(declared: string): Base | null {
  const type = declared.toUpperCase()
  if (type.includes("INT") || /REAL|FLOA|DOUB|^NUM|DECIMAL|BOOL/.test(type)) return NUMBER
  if (/CHAR|CLOB|TEXT/.test(type)) return STRING
  return null
}

function baseOf(sql: string, tokens: readonly SqlToken[], place: Place): Base {
  const [first] = tokens
  if (first === undefined) return UNKNOWN
  if (tokens.length === 1 && first.kind === "text") return STRING
  if (tokens.length === 1 && first.kind === "number") return NUMBER
  if (tokens.length === 1 && first.word === "null") return new Set()
  const operators = operatorsOf(tokens)
  if (operators.some(({ word }) => NUMBER_OPERATORS.has(word))) return NUMBER
  if (operators.some(({ word }) => TEXT_OPERATORS.has(word))) return STRING
  const call = callOf(tokens)
  if (first.word === "exists") return NUMBER
  if (call !== null) {
    if (NUMBER_FUNCTIONS.has(call.name)) return NUMBER
    if (STRING_FUNCTIONS.has(call.name)) return STRING
    if (SAME_FUNCTIONS.has(call.name)) return unionOf(call.args.map((arg) => partBase(sql, arg, place)))
  }
  if (first.word === "case") return unionOf(branchesOf(tokens).map((branch) => partBase(sql, branch, place)))
  if (isReference(tokens)) return referenceBase(first, tokens, place)
  return UNKNOWN
}

/** As SQLite says for a part of an expression alone, else by its form. */
function partBase(sql: string, tokens: readonly SqlToken[], place: Place): Base {
  const text = textOf(sql, tokens)
  try {
    const [column] = place.probe.columns(`${place.prefix} select (${text}) ${place.from}`)
    return declaredBase(column?.type ?? "") ?? baseOf(sql, stripped(tokens), place)
  } catch {
    return UNKNOWN
  }
}

/** SQLite calls a BLOB column what may be anything, too. */
function referenceBase(first: SqlToken, tokens: readonly SqlToken[], { probe }: Place): Base {
  const name = plainName(tokens.at(-1) ?? first)
  const types = probe
    .tables()
    .flatMap(({ columns }) => columns.filter((column) => column.name.toLowerCase() === name))
    .map(({ type }) => type)
  return types.length > 0 && types.every((type) => type === "BLOB") ? new Set(["Uint8Array"] as const) : UNKNOWN
}

function isNullable(sql: string, tokens: readonly SqlToken[], place: Place): boolean {
  const [first] = tokens
  if (first === undefined || first.word === "null") return true
  if (tokens.length === 1 && (first.kind === "text" || first.kind === "number")) return false
  const operators = operatorsOf(tokens)
  const part = (one: readonly SqlToken[]) => isNullable(sql, stripped(one), place)
  if (operators.length > 0) {
    const isPlain = operators.every(({ word }) => NULL_OF_OPERANDS.has(word))
    if (isPlain) return splitAt(tokens, (token) => operators.includes(token)).parts.some(part)
    return operators[0].word !== "is" && operators[0].word !== "isnull" && operators[0].word !== "notnull"
  }
  if (first.word === "exists") return false
  const call = callOf(tokens)
  if (call !== null) {
    if (NEVER_NULL.has(call.name)) return false
    if (call.name === "coalesce" || call.name === "ifnull") return call.args.every(part)
    if (NULL_OF_ARGUMENTS.has(call.name)) return call.args.some(part)
    return true
  }
  if (first.word === "case") {
    const hasElse = tokens.some(({ word, depth }) => word === "else" && depth === first.depth)
    return !hasElse || branchesOf(tokens).some(part)
  }
  return !isReference(tokens) || isNullableReference(textOf(sql, tokens), place)
}

/** SQLite itself knows: where a column cannot be null, `is null` and `is not null` are the constants 0 and 1. */
function isNullableReference(text: string, { probe, prefix, from }: Place): boolean {
  if (from === "") return true
  try {
    const select = `${prefix} select 1 ${from} where (${text}) is`
    return probe.opcodes(`${select} null`) !== probe.opcodes(`${select} not null`)
  } catch {
    return true
  }
}

/** `name(args)` alone, perhaps with a filter or a window. */
function callOf(tokens: readonly SqlToken[]): { readonly name: string; readonly args: SqlToken[][] } | null {
  const [name, open] = tokens
  if (name?.kind !== "word" || open?.text !== "(") return null
  const end = tokens.findIndex(({ text, depth }, i) => i > 1 && text === ")" && depth === open.depth)
  const after = tokens[end + 1]
  if (after !== undefined && after.word !== "over" && after.word !== "filter") return null
  const inside = tokens.slice(2, end)
  return { name: name.word, args: inside.length === 0 ? [] : splitAt(inside, ({ text }) => text === ",").parts }
}

function operatorsOf(tokens: readonly SqlToken[]): SqlToken[] {
  if (tokens[0]?.word === "case" || tokens[0]?.word === "exists") return []
  const depth = tokens[0]?.depth
  return tokens.filter(
    (token) =>
      token.depth === depth &&
      (token.kind === "mark" || token.kind === "word") &&
      (TEXT_OPERATORS.has(token.word) || NUMBER_OPERATORS.has(token.word)),
  )
}

/** What a CASE may come to. */
function branchesOf(tokens: readonly SqlToken[]): SqlToken[][] {
  const inside = tokens.slice(1, -1)
  const { parts, separators } = splitAt(inside, ({ word, kind }) => kind === "word" && /^(when|then|else)$/.test(word))
  return parts.slice(1).filter((_, i) => separators[i].word !== "when")
}

function isReference(tokens: readonly SqlToken[]): boolean {
  return tokens.every(({ kind, text }, i) => (i % 2 === 0 ? kind === "word" || kind === "name" : text === "."))
}

/** Without parentheses around all of it. */
function stripped(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const [open] = tokens
  const close = tokens.findIndex(({ text, depth }) => text === ")" && depth === open?.depth)
  return open?.text === "(" && close === tokens.length - 1 && tokens[1]?.word !== "select"
    ? stripped(tokens.slice(1, -1))
    : tokens
}

function plainName({ kind, text }: SqlToken): string {
  return (kind === "name" ? text.slice(1, -1) : text).toLowerCase()
}

function unionOf(bases: readonly Base[]): Base {
  return new Set(bases.flatMap((base) => [...base]))
}
