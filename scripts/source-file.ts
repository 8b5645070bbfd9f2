// How tidy.test.ts reads sources: parsed, so that comments and strings are not taken for code.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { parse } from "@babel/parser"

export const root = resolve(import.meta.dirname, "..")

export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly lineCount: number
  readonly comments: readonly string[]
  /** Every specifier of an import, a re-export or `import()`, types included. */
  readonly imports: readonly string[]
  readonly nodes: readonly Node[]
  lineOf(offset: number): number
}

/** Every TypeScript file under the folders; `.d.ts`, dist, .next and templates left out. A missing folder holds none. */
export function readSources(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) => listFiles(join(root, folder))).map(readSource)
}

export function isTest(file: SourceFile): boolean {
  return /\.test\.tsx?$/.test(file.path)
}

/** Tests and what only tests use: testing/ folders are exported, but no app ships them. */
export function isTestCode(file: SourceFile): boolean {
  return isTest(file) || file.path.includes("/testing/")
}

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return ["node_modules", "dist", "template", ".next"].includes(entry.name) ? [] : listFiles(path)
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts") ? [path] : []
  })
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(path, "utf8")
  const parsed = parse(text, { sourceType: "module", plugins: ["typescript", "jsx", "estree"] })
  const nodes = collectNodes(parsed.program)
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length
  return {
    path: relative(root, path).replaceAll("\\", "/"),
    lineCount: text.trimEnd().split("\n").length,
    comments: parsed.comments?.map((comment) => comment.value) ?? [],
    imports: nodes.flatMap(importedBy),
    nodes,
    lineOf,
  }
}

function collectNodes(program: unknown): Node[] {
  const found: Node[] = []
  const visit = (value: unknown): void => {
    if (isNode(value)) found.push(value)
    else if (!Array.isArray(value)) return
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(program)
  return found
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
}

function importedBy(node: Node): string[] {
  const kinds = ["ImportDeclaration", "ExportNamedDeclaration", "ExportAllDeclaration", "ImportExpression"]
  if (!kinds.includes(node.type) || !isNode(node.source)) return []
  return typeof node.source.value === "string" ? [node.source.value] : []
}
