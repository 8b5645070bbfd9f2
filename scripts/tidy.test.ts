// Rules of this repository: floors, sizes, banned calls, documented errors and paths, no trace of one machine.
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { describe, expect, test } from "vitest"
import { ERROR_CODES } from "../packages/core/src/base/error-codes.ts"
import { isNode, isTest, isTestCode, type Node, readSources, root, type SourceFile } from "./source-file.ts"

const fileLinesMax = 400
const functionLinesMax = 70
/** Prose is wrapped at 120 columns; a word that may not begin a line makes one longer. */
const proseColumnsMax = 140

/** A folder imports itself and lower floors. Two folders of one floor know nothing of each other. */
const floors: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  core: {
    base: 0,
    journal: 1,
    sqlite: 1,
    storage: 2,
    timeline: 2,
    network: 3,
    local: 4,
    remote: 4,
    relay: 5,
    testing: 6,
  },
  react: { rpc: 0, platform: 1, tab: 2, worker: 2, hooks: 3, testing: 3, devtools: 4 },
  next: {
    process: 0,
    config: 0,
    telemetry: 1,
    log: 1,
    limits: 2,
    node: 3,
    auth: 4,
    documents: 5,
    "row-types": 5,
    http: 6,
    cli: 6,
    testing: 7,
  },
  postgres: { testing: 0 },
}

const core = readSources("packages/core/src")
const react = readSources("packages/react/src")
const next = readSources("packages/next/src")
const postgres = readSources("packages/postgres/src")
const createApp = readSources("packages/create-lf-app/src")
const app = readSources("app", "examples")
const shipped = [...core, ...react, ...next, ...postgres, ...createApp, ...app].filter((file) => !isTestCode(file))

describe("floors", () => {
  test("a folder imports itself and lower floors only, never a sibling", () => {
    const wrong = [...core, ...react, ...next, ...postgres]
      .filter((file) => !isTest(file) && folderOf(file.path) !== undefined)
      .flatMap((file) => file.imports.filter((to) => !isAllowed(file.path, to)).map((to) => `${file.path} -> ${to}`))
    expect(wrong).toEqual([])
  })

  test("every folder has a floor", () => {
    const unknown = [...core, ...react, ...next, ...postgres].filter(
      ({ path }) => folderOf(path) !== undefined && floorOf(path) === undefined,
    )
    expect(unknown.map(({ path }) => path)).toEqual([])
  })

  test("no file imports itself through others, types included", () => {
    const files = [...core, ...react, ...next, ...postgres].filter((file) => !isTest(file))
    const imports = new Map(
      files.map(({ path, imports }) => [
        path,
        imports.filter((to) => to.startsWith(".")).map((to) => posix.join(posix.dirname(path), to)),
      ]),
    )
    expect(files.flatMap(({ path }) => circleThrough(path, imports))).toEqual([])
  })

  test("nothing shipped imports testing/", () => {
    expect(importsOf(shipped, (to) => /(^|\/)testing(\/|$)/.test(to))).toEqual([])
  })

  test("in packages/react only hooks/ and devtools/ know React", () => {
    const below = react.filter(
      (file) => !isTest(file) && /^packages\/react\/src\/(tab|rpc|worker|platform|testing)\//.test(file.path),
    )
    expect(importsOf(below, (to) => /^(react|react-dom|@tanstack\/react-query)(\/|$)/.test(to))).toEqual([])
  })
})

describe("sizes", () => {
  test(`a shipped file has at most ${fileLinesMax} lines`, () => {
    const long = shipped.filter((file) => file.lineCount > fileLinesMax)
    expect(long.map((file) => `${file.path}: ${file.lineCount}`)).toEqual([])
  })

  test(`a shipped function has at most ${functionLinesMax} lines`, () => {
    expect(shipped.flatMap(longFunctions)).toEqual([])
  })
})

describe("banned", () => {
  const shippedCore = core.filter((file) => !isTestCode(file))

  test("core has no clock, random or timer of its own, and no platform", () => {
    expect(shippedCore.flatMap((file) => places(file, isPlatformUse))).toEqual([])
    expect(importsOf(shippedCore, (to) => to.startsWith("node:"))).toEqual([])
  })

  test("SQL on our own tables stands in one file", () => {
    const elsewhere = shippedCore.filter(({ path }) => !path.endsWith("/timeline/internal-tables.ts"))
    const statements = /\b(from|into) __lf_/
    expect(
      elsewhere.filter(({ path }) => statements.test(readFileSync(join(root, path), "utf8"))).map(({ path }) => path),
    ).toEqual([])
  })

  test("nothing shipped silences the compiler", () => {
    expect(shipped.flatMap((file) => places(file, (node) => node.type === "TSAnyKeyword"))).toEqual([])
    const silenced = shipped.filter((file) => file.comments.some((text) => /@ts-(ignore|nocheck)/.test(text)))
    expect(silenced.map((file) => file.path)).toEqual([])
  })

  test("only the server and the scaffold print", () => {
    const silent = shipped.filter((file) => !/^packages\/(next|create-lf-app)\//.test(file.path))
    expect(silent.flatMap((file) => places(file, (node) => memberName(node) === "console.log"))).toEqual([])
  })
})

test("docs/errors.md lists exactly the codes, each with its sentence", () => {
  const rows = readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$/gm)
  const documented = Object.fromEntries(Array.from(rows, ([, code, when]) => [code, when]))
  expect(documented).toEqual(ERROR_CODES)
})

test("each path and link target that a Markdown file names exists", () => {
  const tracked = trackedFiles().filter((path) => existsSync(join(root, path)))
  // `core/journal/log.ts` is short for a path below packages, `journal/log.ts` for one below a package's src.
  const names = new Set(
    tracked.flatMap((path) => {
      const parts = path.split("/")
      const short = path.replace(/^packages\/([^/]+)\/src\//, "$1/").split("/")
      return [...endings(parts), ...endings(short)].flatMap((ending) =>
        ending.map((_, i) => ending.slice(0, i + 1).join("/")),
      )
    }),
  )
  const wrong = tracked
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "")
      const targets = Array.from(text.matchAll(/\]\(([^)#\s]+)/g), ([, target]) => target).filter(
        (target) => !target.includes(":") && !existsSync(join(root, posix.dirname(path), target)),
      )
      const quoted = Array.from(text.matchAll(/`([^`\s]+)`/g), ([, name]) => name).filter(
        (name) => isPath(name) && !names.has(name.replace(/\/$/, "")),
      )
      return [...targets, ...quoted].map((name) => `${path}: ${name}`)
    })
  expect(wrong).toEqual([])
})

test("no tracked file contains the path or registry of the machine that wrote it", () => {
  // Composed at run time, or this file would be the first to break the rule.
  const registry = ["registry", "npmjs"].join(".")
  const traces = [registry, ...(root.split("/").length > 2 ? [root] : [])]
  const found = trackedFiles()
    .filter((path) => existsSync(join(root, path)))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), "latin1")
      return traces.filter((trace) => mentions(text, trace)).map((trace) => `${path}: ${trace}`)
    })
  expect(found).toEqual([])
})

/** Words that name no subject, or a machine as a person. In parts, or this file would be the first to break the rule. */
const vague =
  /\b((no|some|any|every)body|who(?:ever)|t(?:old|ell|ells)|h(?:ear|ears|eard)|l(?:uck|ife|ets in)|m(?:end|ends|ended)|h(?:urry|eir|ouse)|l(?:inger|ingers)|b(?:reath|reathe)|d(?:oors?)|v(?:isitors?)|g(?:uests?))\b/i
/** Names at rest, on the wire or of another package. */
const unavoidable = [
  "sendsMessages",
  "life/",
  ["li", "fe\\/"].join(""),
  '"life"',
  ".life",
  "readonly life:",
  "server-door",
]

test("comments, names and messages say who does what, in plain words", () => {
  const places =
    /^(packages\/core\/src\/|packages\/(react|next|postgres|create-lf-app)\/|(proof|scripts|e2e|app|bench|examples)\/).*\.(ts|tsx|mjs)$/
  const found = trackedFiles()
    .filter((path) => places.test(path) && existsSync(join(root, path)))
    .flatMap((path) => {
      const text = unavoidable.reduce((rest, part) => rest.replaceAll(part, ""), readFileSync(join(root, path), "utf8"))
      const lines = text.replace(/([a-z\d])(?=[A-Z])/g, "$1 ").split("\n")
      return lines.filter((line) => vague.test(line)).map((line) => `${path}: ${line.trim()}`)
    })
  expect(found).toEqual([])
})

test(`a line of prose in Markdown has at most ${proseColumnsMax} columns`, () => {
  const long = trackedFiles()
    .filter((path) => path.endsWith(".md") && existsSync(join(root, path)))
    .flatMap((path) => longProse(readFileSync(join(root, path), "utf8")).map((line) => `${path}:${line}`))
  expect(long).toEqual([])
})

/** A source file or document, or a folder of the repository: not a package, a URL, a pattern or a file of an app. */
function isPath(name: string): boolean {
  if (/^[@~./]|[<>*{}:()=$]|\bNNNN\b/.test(name)) return false
  return /\.(ts|tsx|mjs|md)$/.test(name) || /^(packages|proof|e2e|bench|scripts|docs|examples|app)\/./.test(name)
}

/** The path itself, and what is left of it without its first folders. */
function endings(parts: readonly string[]): string[][] {
  return parts.map((_, i) => parts.slice(i))
}

function packageOf(path: string): string {
  return path.split("/")[1]
}

function folderOf(path: string): string | undefined {
  return /^packages\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1]
}

function floorOf(path: string): number | undefined {
  return floors[packageOf(path)]?.[folderOf(path) ?? ""]
}

function isAllowed(from: string, to: string): boolean {
  if (!to.startsWith(".")) return packageOf(from) !== "core" || !to.startsWith("@lf/")
  const target = posix.join(posix.dirname(from), to)
  // A file outside every folder puts the package together: inside, import the file itself.
  if (folderOf(target) === undefined) return folderOf(from) === "testing"
  return folderOf(from) === folderOf(target) || (floorOf(target) ?? 0) < (floorOf(from) ?? 0)
}

/** The shortest way from a file back to itself, if there is one. */
function circleThrough(start: string, imports: ReadonlyMap<string, readonly string[]>): string[] {
  const ways = [[start]]
  const seen = new Set<string>()
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const to of imports.get(way.at(-1) ?? "") ?? []) {
      if (to === start) return [[...way, to].join(" -> ")]
      if (seen.has(to)) continue
      seen.add(to)
      ways.push([...way, to])
    }
  }
  return []
}

function importsOf(files: readonly SourceFile[], isMeant: (specifier: string) => boolean): string[] {
  return files.flatMap((file) => file.imports.filter(isMeant).map((to) => `${file.path} -> ${to}`))
}

function longFunctions(file: SourceFile): string[] {
  const kinds = ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]
  return file.nodes.flatMap((node) => {
    if (!kinds.includes(node.type)) return []
    const first = file.lineOf(node.start)
    const lines = file.lineOf(node.end) - first + 1
    return lines > functionLinesMax ? [`${file.path}:${first}: ${lines} lines`] : []
  })
}

/** The numbers of long lines that are no table, code or link. */
function longProse(text: string): number[] {
  let isCode = false
  return text.split("\n").flatMap((line, index) => {
    if (/^\s*```/.test(line)) isCode = !isCode
    const isFree = isCode || /^(\s*\||\s{4}|\s*\S*\]\(\S+$)/.test(line)
    return !isFree && line.length > proseColumnsMax ? [index + 1] : []
  })
}

function places(file: SourceFile, isMeant: (node: Node) => boolean): string[] {
  return file.nodes
    .filter(isMeant)
    .map((node) => `${file.path}:${file.lineOf(node.start)} ${memberName(node) ?? calleeName(node) ?? node.type}`)
}

function isPlatformUse(node: Node): boolean {
  if (/^(setTimeout|setInterval|queueMicrotask|fetch)$/.test(calleeName(node) ?? "")) return true
  return /^(Date\.now|Math\.random|performance\.now|(console|process|document|window|globalThis)\..+)$/.test(
    memberName(node) ?? "",
  )
}

function calleeName(node: Node): string | undefined {
  if (node.type !== "CallExpression" || !isNode(node.callee)) return undefined
  return node.callee.type === "Identifier" ? String(node.callee.name) : undefined
}

function memberName(node: Node): string | undefined {
  if (node.type !== "MemberExpression" || !isNode(node.object) || !isNode(node.property)) return undefined
  if (node.object.type !== "Identifier") return undefined
  return `${node.object.name}.${node.computed ? "[]" : node.property.name}`
}

function trackedFiles(): string[] {
  return execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean)
}

/** As a path of its own: a checkout in /src/app must not object to `packages/src/apparatus`. */
function mentions(text: string, trace: string): boolean {
  for (let at = text.indexOf(trace); at !== -1; at = text.indexOf(trace, at + 1)) {
    const before = text[at - 1] ?? " "
    const after = text[at + trace.length] ?? " "
    if (!/[\w.-]/.test(before) && !/[\w-]/.test(after)) return true
  }
  return false
}
