import { type SqlToken, splitAt, sqlTokens, textOf } from "./sql-tokens.ts"

/** One SELECT of a query. */
export interface SelectPart {
  /** The expressions of its columns without their names; "*" and "t.*" as they are. */
  readonly items: readonly string[]
  /** "from …" without what follows; "": there is none. */
  readonly from: string
  readonly hasGroupBy: boolean
}

export interface SelectParts {
  /** "with …" before the first SELECT; "": there is none. */
  readonly prefix: string
  /** More than one for UNION and its like. */
  readonly parts: readonly SelectPart[]
}

const COMPOUND = new Set(["union", "except", "intersect"])
const AFTER_FROM = new Set(["where", "group", "having", "window", "order", "limit"])
/** Words that end an expression, or stand before its last word: what follows or precedes them is no name of a column. */
const NO_NAME = new Set(
  "end null isnull notnull is not and or in like glob match regexp between collate escape over filter then else when case".split(
    " ",
  ),
)

/** Words that end an expression: after these a name can come. */
const ENDS = new Set(["end", "null", "isnull", "notnull"])

/** A query in parts, as far as that is needed for the types of its columns; null: it is none, or `values`. */
export function selectParts(sql: string): SelectParts | null {
  const tokens = sqlTokens(sql)
  const first = tokens.findIndex(({ word, depth }) => word === "select" && depth === 0)
  if (first === -1) return null
  const { parts } = splitAt(tokens.slice(first), ({ word, kind }) => kind === "word" && COMPOUND.has(word))
  return { prefix: textOf(sql, tokens.slice(0, first)), parts: parts.map((part) => partOf(sql, part)) }
}

function partOf(sql: string, all: readonly SqlToken[]): SelectPart {
  // "select", after "all" of a UNION; then "distinct" or "all".
  let tokens = all.slice(all.findIndex(({ word }) => word === "select") + 1)
  if (tokens[0]?.word === "distinct" || tokens[0]?.word === "all") tokens = tokens.slice(1)
  const isWord = (token: SqlToken, words: { has(word: string): boolean }) =>
    token.depth === 0 && token.kind === "word" && words.has(token.word)
  const rest = tokens.findIndex((token) => isWord(token, AFTER_FROM))
  const head = rest === -1 ? tokens : tokens.slice(0, rest)
  const fromAt = head.findIndex((token) => isWord(token, new Set(["from"])))
  const list = fromAt === -1 ? head : head.slice(0, fromAt)
  return {
    items: splitAt(list, ({ text }) => text === ",").parts.map((item) => textOf(sql, withoutName(item))),
    from: fromAt === -1 ? "" : textOf(sql, head.slice(fromAt)),
    hasGroupBy: tokens.some((token) => isWord(token, new Set(["group"]))),
  }
}

/** An item of a select list without "as name", or a name alone. */
function withoutName(item: readonly SqlToken[]): readonly SqlToken[] {
  const [before, last] = item.slice(-2)
  if (last === undefined || item.length < 2) return item
  if (before.kind === "word" && before.word === "as") return item.slice(0, -2)
  const isName = last.kind === "name" || (last.kind === "word" && !NO_NAME.has(last.word))
  const mayBeBefore =
    before.kind === "mark"
      ? before.text === ")"
      : ENDS.has(before.word) || !(before.kind === "word" && NO_NAME.has(before.word))
  return isName && mayBeBefore ? item.slice(0, -1) : item
}
