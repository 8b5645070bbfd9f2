import { type AppSources, isNode, type Node, nameOf, nodesOf, type Source } from "./app-sources.ts"
import type { QueryColumn } from "./query-columns.ts"

/** What an author wrote in sql<…>: a name for `lf types`, or a type of rows. */
export type Annotation =
  | { readonly type: "none" }
  | { readonly type: "name"; readonly name: string; readonly node: Node }
  | { readonly type: "rows"; readonly node: Node }

export function annotationOf({ typeParameters, typeArguments }: Node): Annotation {
  const given = isNode(typeParameters) ? typeParameters : isNode(typeArguments) ? typeArguments : null
  const [node] = nodesOf(given?.params)
  if (node === undefined) return { type: "none" }
  const literal = node.type === "TSLiteralType" && isNode(node.literal) ? node.literal : null
  return literal?.type === "StringLiteral" ? { type: "name", name: nameOf(literal), node } : { type: "rows", node }
}

interface Property {
  readonly name: string
  /** What its values are; null: a type that is not looked into. */
  readonly bases: ReadonlySet<string> | null
}

/** What is wrong in a type of rows, and where. Types that are not written out in the app are not looked into. */
export function wrongIn(sources: AppSources, source: Source, node: Node, columns: readonly QueryColumn[]): string[] {
  const byName = new Map(columns.map((column) => [column.name, column]))
  return (propertiesOf(sources, source, node, 0) ?? []).flatMap(({ name, bases }) => {
    const column = byName.get(name)
    if (column === undefined) return [`the query has no column "${name}" (it has ${[...byName.keys()].join(", ")})`]
    const isPossible = bases === null || column.base.has("unknown") || [...column.base].some((base) => bases.has(base))
    if (isPossible || column.base.size === 0) return []
    return [`expected "${name}" as ${[...column.base].join(" | ")}, got ${[...bases].join(" | ")}`]
  })
}

/** The properties of a type literal or interface of the app; null: it is another type. */
function propertiesOf(sources: AppSources, source: Source, node: Node, depth: number): Property[] | null {
  if (depth > 4) return null
  if (node.type === "TSTypeReference" && isNode(node.typeName) && node.typeParameters == null) {
    const found = sources.resolve(source, nameOf(node.typeName))
    if (found === null) return null
    const { type, typeAnnotation, body } = found.node
    const inner = type === "TSTypeAliasDeclaration" ? typeAnnotation : type === "TSInterfaceDeclaration" ? body : null
    return isNode(inner) ? propertiesOf(sources, found.source, inner, depth + 1) : null
  }
  const members = node.type === "TSTypeLiteral" ? node.members : node.type === "TSInterfaceBody" ? node.body : null
  if (members === null) return null
  return nodesOf(members).flatMap(({ type, key, typeAnnotation }) => {
    if (type !== "TSPropertySignature") return []
    const inner = isNode(typeAnnotation) ? typeAnnotation.typeAnnotation : null
    return [{ name: nameOf(key), bases: isNode(inner) ? basesOf(inner) : null }]
  })
}

function basesOf({ type, types, literal, typeName }: Node): ReadonlySet<string> | null {
  switch (type) {
    case "TSStringKeyword":
      return new Set(["string"])
    case "TSNumberKeyword":
    case "TSBigIntKeyword":
      return new Set(["number"])
    case "TSNullKeyword":
      return new Set(["null"])
    case "TSBooleanKeyword":
      return new Set(["boolean"])
    case "TSLiteralType":
      return isNode(literal) && /^(String|Numeric|Boolean)Literal$/.test(literal.type)
        ? new Set([literal.type.replace("Literal", "").replace("Numeric", "number").toLowerCase()])
        : null
    case "TSTypeReference":
      return nameOf(typeName) === "Uint8Array" ? new Set(["Uint8Array"]) : null
    case "TSUnionType": {
      const all = nodesOf(types).map(basesOf)
      return all.some((one) => one === null) ? null : new Set(all.flatMap((one) => [...(one ?? [])]))
    }
    default:
      return null
  }
}
