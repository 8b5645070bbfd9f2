import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { parse } from "@babel/parser"

/** A node of a parsed source. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Source {
  /** From the app's directory, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Every node, outer ones first. */
  readonly nodes: readonly Node[]
  /** What the names of the file's top level stand for. */
  readonly names: ReadonlyMap<string, Node>
  /** Local names of imports: the specifier, and the name there. */
  readonly imports: ReadonlyMap<string, { readonly from: string; readonly name: string }>
}

export interface Located {
  readonly source: Source
  readonly node: Node
}

const EXTENSIONS = ["", ".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", "/index.ts", "/index.tsx", "/index.js"]
const CODE = /\.([cm]?[jt]s|[jt]sx)$/
const LEFT_OUT = /(^|\/)(node_modules|dist|build|out|coverage)(\/|$)|(^|\/)\.|\.d\.[cm]?ts$|\.(test|spec)\.[jt]sx?$/
const FILES_MAX = 20_000

/** The parsed sources of an app, read when they are asked for. */
export class AppSources {
  readonly directory: string
  readonly #known = new Map<string, Source | null>()

  constructor(directory: string) {
    this.directory = directory
  }

  /** Every source of the app besides tests, by path. */
  all(): Source[] {
    return listFiles(this.directory, "")
      .sort()
      .flatMap((path) => this.read(path) ?? [])
  }

  /** Folders at the top that `all` leaves out, since they have types of their own. */
  get leftOut(): string[] {
    const folders = entriesOf(this.directory).filter((entry) => entry.isDirectory() && !LEFT_OUT.test(entry.name))
    return folders.map(({ name }) => name).filter((name) => hasOwnTypes(entriesOf(join(this.directory, name))))
  }

  /** Null: there is no such file, or it does not parse: that is for the compiler to say. */
  read(file: string): Source | null {
    const path = relative(this.directory, resolve(this.directory, file)).replaceAll("\\", "/")
    let source = this.#known.get(path)
    if (source === undefined) {
      source = isFile(join(this.directory, path)) ? readSource(this.directory, path) : null
      this.#known.set(path, source)
    }
    return source
  }

  /** What a name stands for, through imports of the app's own files; null: not found. */
  resolve(source: Source, name: string, depth = 0): Located | null {
    const node = source.names.get(name)
    if (node !== undefined) return { source, node }
    const imported = source.imports.get(name)
    if (imported === undefined || depth > 8) return null
    const target = this.#fileOf(source, imported.from)
    return target === null ? null : this.resolve(target, imported.name, depth + 1)
  }

  #fileOf(source: Source, specifier: string): Source | null {
    const at = join(this.directory, dirname(source.path))
    const bases = specifier.startsWith(".")
      ? [resolve(at, specifier)]
      : specifier.startsWith("@/") // as create-next-app sets it up
        ? [join(this.directory, specifier.slice(2)), join(this.directory, "src", specifier.slice(2))]
        : []
    for (const base of bases) {
      for (const extension of EXTENSIONS) {
        // TypeScript's sources are imported by the name of what they compile to, too.
        for (const path of [base + extension, base.replace(/\.([cm]?)js(x?)$/, ".$1ts$2") + extension]) {
          if (CODE.test(path) && isFile(path)) return this.read(path)
        }
      }
    }
    return null
  }
}

/** Whether a file of this name is one of the app's sources. */
export function isSourceName(name: string): boolean {
  return CODE.test(name) && !LEFT_OUT.test(name)
}

/** Every directory below an app's own that can have sources in it, and that one. */
export function sourceDirectories(directory: string): string[] {
  const inner = entriesOf(directory).filter((entry) => entry.isDirectory() && !LEFT_OUT.test(entry.name))
  return [directory, ...inner.flatMap(({ name }) => sourceDirectories(join(directory, name)))]
}

/** What `work` returns; null: the file or directory that it is about is not there, or no longer. */
export function unlessGone<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null
    throw error
  }
}

/** The line and column of an offset, from 1. */
export function placeOf({ path, text }: Source, offset: number): string {
  const before = text.slice(0, offset).split("\n")
  return `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
}

export function nodesOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The name of an identifier, or the text of a string. */
export function nameOf(node: unknown): string {
  if (!isNode(node)) return ""
  const { name, value } = node
  return typeof name === "string" ? name : typeof value === "string" ? value : ""
}

/** A folder with types of its own is for documents of another kind, which have another mutator. */
const TYPES_FILE = "lf-types.d.ts"

function listFiles(directory: string, below: string, found: string[] = []): string[] {
  const entries = entriesOf(join(directory, below))
  if (below !== "" && hasOwnTypes(entries)) return found
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`
    if (LEFT_OUT.test(path) || found.length >= FILES_MAX) continue
    if (entry.isDirectory()) listFiles(directory, path, found)
    else if (CODE.test(path)) found.push(path)
  }
  return found
}

function hasOwnTypes(entries: readonly Dirent[]): boolean {
  return entries.some(({ name }) => name === TYPES_FILE)
}

function entriesOf(directory: string): Dirent[] {
  return unlessGone(() => readdirSync(directory, { withFileTypes: true })) ?? []
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function readSource(directory: string, path: string): Source | null {
  const text = readFileSync(join(directory, path), "utf8")
  try {
    const jsx = /\.([cm]?ts)$/.test(path) ? [] : (["jsx"] as const)
    const { program } = parse(text, { sourceType: "module", plugins: ["typescript", "decorators", ...jsx] })
    return { path, text, ...lookOver(program.body) }
  } catch {
    return null
  }
}

function lookOver(body: unknown): Pick<Source, "nodes" | "names" | "imports"> {
  const nodes: Node[] = []
  const visit = (value: unknown): void => {
    if (isNode(value)) nodes.push(value)
    else if (!Array.isArray(value)) return
    for (const [key, inner] of Object.entries(value)) if (key !== "loc") visit(inner)
  }
  visit(body)
  const names = new Map<string, Node>()
  const imports = new Map<string, { from: string; name: string }>()
  for (const statement of nodesOf(body)) {
    const { source, specifiers } = statement
    for (const specifier of isNode(source) ? nodesOf(specifiers) : []) {
      // `import { a as b }` and `export { a as b } from`.
      const local = nameOf(specifier.type === "ExportSpecifier" ? specifier.exported : specifier.local)
      const name = nameOf(specifier.type === "ExportSpecifier" ? specifier.local : specifier.imported)
      imports.set(local, { from: nameOf(source), name: name === "" ? "default" : name })
    }
    const declared = isNode(statement.declaration) ? statement.declaration : statement
    if (statement.type === "ExportDefaultDeclaration") names.set("default", declared)
    if (isNode(declared.id)) names.set(nameOf(declared.id), declared)
    for (const { id, init } of nodesOf(declared.declarations)) if (isNode(init)) names.set(nameOf(id), init)
  }
  return { nodes, names, imports }
}
