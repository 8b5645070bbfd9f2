/** A token of SQL. `depth`: how many parentheses are open around it. */
export interface SqlToken {
  readonly text: string
  /** In lower case, for words; else the text. */
  readonly word: string
  readonly kind: "word" | "name" | "text" | "number" | "mark"
  readonly start: number
  readonly end: number
  readonly depth: number
}

const TOKEN =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|("(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|('(?:[^']|'')*')|(\d[\w.]*|\.\d\w*)|(->>|->|\|\||<>|<=|>=|==|!=|<<|>>|[\s\S])/gy

/** The tokens of a statement that SQLite has accepted, without spaces and comments. */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  let depth = 0
  for (const match of sql.matchAll(TOKEN)) {
    const [text, space, word, name, literal, number] = match
    if (space !== undefined) continue
    if (text === ")") depth--
    const kind = word ? "word" : name ? "name" : literal ? "text" : number ? "number" : "mark"
    const start = match.index
    tokens.push({ text, word: text.toLowerCase(), kind, start, end: start + text.length, depth })
    if (text === "(") depth++
  }
  return tokens
}

/** Splits tokens at those of the outermost depth that `isSeparator` names. */
export function splitAt(
  tokens: readonly SqlToken[],
  isSeparator: (token: SqlToken) => boolean,
): { readonly parts: SqlToken[][]; readonly separators: SqlToken[] } {
  const depth = Math.min(...tokens.map((token) => token.depth))
  const parts: SqlToken[][] = [[]]
  const separators: SqlToken[] = []
  for (const token of tokens) {
    if (token.depth === depth && isSeparator(token)) {
      separators.push(token)
      parts.push([])
    } else parts[parts.length - 1].push(token)
  }
  return { parts, separators }
}

export function textOf(sql: string, tokens: readonly SqlToken[]): string {
  const last = tokens.at(-1)
  return last === undefined ? "" : sql.slice(tokens[0].start, last.end)
}
