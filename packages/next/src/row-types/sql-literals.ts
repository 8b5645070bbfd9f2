import { quotedName } from "@lf/core/internal"
import { type AppSources, isNode, type Located, type Node, nameOf, nodesOf, type Source } from "./app-sources.ts"

/** An sql literal of the app as one text, as far as its sources say it. */
export interface SqlLiteral extends Located {
  /** With "?" for each value. */
  readonly text: string
  /** Offsets in `text` and in the source, of each piece that stands in the source as it is. */
  readonly pieces: readonly {
    readonly at: number
    readonly source: Source
    readonly start: number
    readonly length: number
  }[]
  readonly parameterCount: number
  /** Its own interpolations, in order: which parameter each is, from 0; null: a part of the statement. */
  readonly interpolations: readonly (number | null)[]
  /** A part of it is only known when it runs. */
  readonly isDynamic: boolean
}

const PACKAGES = /^@lf\/(core|react)$/
const DEPTH_MAX = 8

/** Makes texts of the sql literals of an app. */
export class SqlLiterals {
  readonly #sources: AppSources

  constructor(sources: AppSources) {
    this.#sources = sources
  }

  in(source: Source): SqlLiteral[] {
    return source.nodes.filter((node) => isSqlTag(source, node)).map((node) => this.of({ source, node }))
  }

  /** @throws never: what is not known makes it dynamic */
  of({ source, node }: Located): SqlLiteral {
    const text = new Text()
    this.#add(text, { source, node }, 0)
    return { source, node, ...text.done() }
  }

  /** The sql literal that an expression is or stands for; null: it is none. */
  find(source: Source, expression: Node): Located | null {
    const node = unwrapped(expression)
    if (isSqlTag(source, node)) return { source, node }
    if (node.type !== "Identifier") return null
    const found = this.#sources.resolve(source, nameOf(node))
    return found === null || found.node === node ? null : this.find(found.source, found.node)
  }

  /** `depth`: 0 for the literal itself, more for what is spliced into it. */
  #add(text: Text, { source, node }: Located, depth: number): void {
    const quasi = isNode(node.quasi) ? node.quasi : node
    const expressions = nodesOf(quasi.expressions)
    nodesOf(quasi.quasis).forEach((piece, i) => {
      const { cooked } = piece.value as { cooked?: string | null } // a TemplateElement's
      text.piece(source, piece.start, cooked ?? "")
      if (i >= expressions.length) return
      const before = text.count
      const isValue = this.#addExpression(text, source, unwrapped(expressions[i]), depth + 1)
      if (depth === 0) text.interpolations.push(isValue ? before : null)
    })
  }

  /** Whether it is a value. */
  #addExpression(text: Text, source: Source, node: Node, depth: number): boolean {
    const fragment = this.#fragmentOf(source, node)
    const helper = helperOf(source, node)
    const isValue = depth <= DEPTH_MAX && fragment === null && helper === null
    if (depth > DEPTH_MAX) text.dynamic()
    else if (fragment !== null) this.#add(text, fragment, depth)
    else if (helper === null) text.value()
    else this.#addHelper(text, source, { helper, argument: nodesOf(node.arguments)[0], depth })
    return isValue
  }

  /** Of a condition between two literals the first is looked at. */
  #fragmentOf(source: Source, node: Node): Located | null {
    const isChoice = node.type === "ConditionalExpression" && isNode(node.consequent)
    return this.find(source, isChoice && isNode(node.consequent) ? node.consequent : node)
  }

  #addHelper(
    text: Text,
    source: Source,
    { helper, argument, depth }: { helper: string; argument: Node | undefined; depth: number },
  ): void {
    const elements = argument?.type === "ArrayExpression" ? nodesOf(argument.elements) : []
    const add = (element: Node) => this.#addExpression(text, source, unwrapped(element), depth)
    if (helper === "id" && argument?.type === "StringLiteral") text.plain(quotedName(nameOf(argument)))
    else if (helper === "join" && elements.length === 0) text.value()
    else if (helper === "join") text.between(", ", elements, add)
    else if (helper === "and" || helper === "or") {
      // `condition && sql` may be left out: it is looked at.
      const conditions = elements.map((one) =>
        one.type === "LogicalExpression" && isNode(one.right) ? one.right : one,
      )
      const known = conditions.filter((one) => this.find(source, unwrapped(one)) !== null)
      if (known.length === 0) text.plain("1")
      else text.between(` ${helper} `, known, add)
    } else this.#addColumns(text, helper, helper === "values" ? elements[0] : argument)
  }

  #addColumns(text: Text, helper: string, row: Node | undefined): void {
    const keys = row?.type === "ObjectExpression" ? keysOf(row) : null
    const isSet = helper === "set"
    if (keys === null || (!isSet && helper !== "values")) text.dynamic()
    else {
      const names = keys.map(quotedName)
      text.plain(isSet ? "" : `(${names.join(", ")}) values (`)
      text.between(", ", names, (name) => {
        text.plain(isSet ? `${name} = ` : "")
        text.value()
      })
      text.plain(isSet ? "" : ")")
    }
  }
}

class Text {
  readonly interpolations: (number | null)[] = []
  count = 0
  #text = ""
  #isDynamic = false
  readonly #pieces: { at: number; source: Source; start: number; length: number }[] = []

  piece(source: Source, start: number, text: string): void {
    this.#pieces.push({ at: this.#text.length, source, start, length: text.length })
    this.#text += text
  }

  plain(text: string): void {
    this.#text += text
  }

  value(): void {
    this.#text += "?"
    this.count++
  }

  between<T>(separator: string, items: readonly T[], add: (item: T) => void): void {
    items.forEach((item, i) => {
      if (i > 0) this.plain(separator)
      add(item)
    })
  }

  dynamic(): void {
    this.#isDynamic = true
  }

  done() {
    return {
      text: this.#text,
      pieces: this.#pieces,
      parameterCount: this.count,
      interpolations: this.interpolations,
      isDynamic: this.#isDynamic,
    }
  }
}

/** A literal of `sql` as it is imported from a package of lf. */
function isSqlTag(source: Source, { type, tag }: Node): boolean {
  if (type !== "TaggedTemplateExpression" || !isNode(tag) || tag.type !== "Identifier") return false
  return isOurSql(source, nameOf(tag))
}

/** "id" of sql.id(…). */
function helperOf(source: Source, { type, callee }: Node): string | null {
  if (type !== "CallExpression" || !isNode(callee) || callee.type !== "MemberExpression") return null
  return isOurSql(source, nameOf(callee.object)) ? nameOf(callee.property) : null
}

function isOurSql(source: Source, local: string): boolean {
  const imported = source.imports.get(local)
  return imported !== undefined && imported.name === "sql" && isOurs(imported.from)
}

/** Whether an import is from lf. */
export function isOurs(specifier: string): boolean {
  return PACKAGES.test(specifier)
}

/** Without `as`, `satisfies`, `!` and parentheses. */
export function unwrapped(node: Node): Node {
  const isWrapper = /^(TSAsExpression|TSSatisfiesExpression|TSNonNullExpression|ParenthesizedExpression)$/.test(
    node.type,
  )
  return isWrapper && isNode(node.expression) ? unwrapped(node.expression) : node
}

/** The keys of an object; null: not all are known. */
function keysOf(object: Node): string[] | null {
  const properties = nodesOf(object.properties)
  const isKnown = properties.every(({ type, computed }) => type === "ObjectProperty" && computed !== true)
  return isKnown && properties.length > 0 ? properties.map(({ key }) => nameOf(key)) : null
}
