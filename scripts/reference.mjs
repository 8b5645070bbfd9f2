// docs/reference: what apps import, from the packages' built types and their docstrings. `npm run docs` writes it;
// scripts/reference.test.ts fails when it is stale.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { parse } from "@babel/parser"
import { page as limitsFile, limitsPage } from "./docs/limits.mjs"
import { bin, packages, root, run, say } from "./run.mjs"

/** One page per entry that apps import. `@lf/core/internal` and `/testing` are lf's own. */
export const entries = [
  [
    "@lf/core",
    "packages/core/dist/index.d.ts",
    "What mutations, queries and errors are made of: the same in a page, in the worker and at the server.",
  ],
  ["@lf/react", "packages/react/dist/index.d.ts", "The provider and the hooks. Client code."],
  ["@lf/react/worker", "packages/react/dist/worker/index.d.ts", "For the file of the app's SharedWorker."],
  [
    "@lf/react/devtools",
    "packages/react/dist/devtools/index.d.ts",
    "A panel for development: see [devtools](../devtools.md).",
  ],
  [
    "@lf/react/testing",
    "packages/react/dist/testing/index.d.ts",
    "A server and devices in a test's own process: see [testing](../testing.md).",
  ],
  ["@lf/next", "packages/next/dist/index.d.ts", "The server side, inside of the Next app."],
  ["@lf/next/config", "packages/next/dist/config/index.d.ts", "For `next.config`: see [deploying](../deploying.md)."],
  [
    "@lf/postgres",
    "packages/postgres/dist/index.d.ts",
    "Documents in PostgreSQL, for several servers: see [deploying](../deploying.md#postgresql).",
  ],
  ["@lf/next/node", "packages/next/dist/node/index.d.ts", "Adapters of Node, for tests and tools."],
]

const groups = [
  ["Functions", "function"],
  ["Values", "const"],
  ["Classes", "class"],
  ["Interfaces", "interface"],
  ["Types", "type"],
]

const kinds = {
  ClassDeclaration: "class",
  FunctionDeclaration: "function",
  TSDeclareFunction: "function",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
  VariableDeclaration: "const",
}

export function fileOf(entry) {
  return join(root, "docs/reference", `${entry.replace("@lf/", "").replaceAll("/", "-")}.md`)
}

/** @throws when the packages are not compiled */
export function pageOf([entry, types, about]) {
  const exported = [...exportsOf(join(root, types))].map(([name, found]) => ({ name, ...found }))
  const own = exported.filter(({ parts }) => parts.length > 0)
  const others = exported.filter(({ from }) => from !== undefined)
  const sections = groups.flatMap(([title, kind]) => {
    const members = own.filter((one) => one.kind === kind).sort((a, b) => (a.name < b.name ? -1 : 1))
    return members.length === 0 ? [] : [`## ${title}`, ...members.map(describe)]
  })
  const again = [...new Set(others.map(({ from }) => from))].map((from) => {
    const names = others.filter((one) => one.from === from).map(({ name }) => `\`${name}\``)
    return `## From ${from}\n\n${wrap(`Exported here too: ${names.sort().join(", ")}.`)}`
  })
  const head = `# ${entry}\n\n<!-- Made by \`npm run docs\` from the docstrings: edit those. -->\n\n${about}`
  return `${[head, ...sections, ...again].join("\n\n")}\n`
}

function describe({ name, parts }) {
  const comments = [...new Set(parts.map(({ comment }) => comment).filter((comment) => comment !== ""))]
  const code = parts.map(({ text }) => text).join("\n")
  const { prose, examples } = readComments(comments)
  const shown = examples.map((example) => `\`\`\`tsx\n${example}\n\`\`\``)
  return [`### ${name}`, ...prose, `\`\`\`typescript\n${code}\n\`\`\``, ...shown].join("\n\n")
}

function readComments(comments) {
  const prose = []
  const examples = []
  for (const comment of comments) {
    for (const block of comment.split(/\n(?=@(?:throws|example))|^(?=@(?:throws|example))/)) {
      const [, tag, rest] = /^(?:@(\w+)\s?)?([\s\S]*)$/.exec(block) ?? []
      if (tag === "example") examples.push(rest.trim())
      else if (tag === "throws") prose.push(`**Throws** ${escapeTags(rest.trim())}`)
      else if (block.trim() !== "") prose.push(inlineThrows(escapeTags(block.trim())))
    }
  }
  return { prose, examples }
}

/** A tag in the middle of a line. */
function inlineThrows(text) {
  return text.replaceAll("@throws", "**Throws**")
}

/** Outside of code `<LfProvider>` would be a tag of HTML. */
function escapeTags(text) {
  return text
    .split(/(``[\s\S]*?``|`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : part.replaceAll("<", "\\<")))
    .join("")
}

function wrap(text) {
  return text.replaceAll(/(.{1,110})(?: |$)/g, "$1\n").trim()
}

/** Name to kind and declarations, or to the package that has them. */
function exportsOf(file) {
  const source = readFileSync(file, "utf8")
  const { program } = parse(source, {
    sourceType: "module",
    attachComment: true,
    plugins: [["typescript", { dts: true }]],
  })
  const own = new Map()
  for (const statement of program.body) {
    const declaration = statement.declaration ?? statement
    const named = nameOf(declaration)
    if (named === undefined) continue
    const known = own.get(named) ?? { kind: kinds[declaration.type] ?? "namespace", parts: [] }
    known.parts.push({ comment: commentOf(statement), text: textOf(source, statement) })
    own.set(named, known)
  }
  const exported = new Map()
  for (const { type, source: from, declaration, specifiers = [] } of program.body) {
    const isLocal = from?.value.startsWith(".")
    const target = isLocal ? exportsOf(resolve(dirname(file), from.value.replace(/\.[jt]sx?$/, ".d.ts"))) : own
    if (type === "ExportAllDeclaration" && isLocal) for (const [name, found] of target) exported.set(name, found)
    if (type !== "ExportNamedDeclaration") continue
    if (declaration) exported.set(nameOf(declaration), own.get(nameOf(declaration)))
    for (const { local, exported: as } of specifiers) {
      const other = { kind: "re-export", parts: [], from: publicName(from?.value) }
      exported.set(as.name, from && !isLocal ? other : target.get(local.name))
    }
  }
  return exported
}

/** `@lf/core/internal` is not for apps: what comes through it belongs to the package. */
function publicName(specifier) {
  return specifier?.replace(/\/internal$/, "")
}

function nameOf(declaration) {
  if (declaration.type === "VariableDeclaration") return declaration.declarations[0].id.name
  const isNamed = kinds[declaration.type] !== undefined || declaration.type === "TSModuleDeclaration"
  return isNamed ? declaration.id.name : undefined
}

function commentOf({ leadingComments = [] }) {
  const last = leadingComments.at(-1)
  if (last?.type !== "CommentBlock" || !last.value.startsWith("*")) return ""
  return last.value
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim()
}

/** The declaration as an app's author sees it: without private members and notes for linters. */
function textOf(source, { start, end }) {
  return source
    .slice(start, end)
    .replace(/^export /, "")
    .replace(/^declare /, "")
    .replaceAll(/^\s*(#private;|private .*;|\/\/ biome-ignore.*)\n/gm, "")
    .replace(/^(const \w+: )\{(\n.*){20,}\n\};?$/, "$1{ … }")
}

if (process.argv[1]?.endsWith("reference.mjs")) {
  const { code } = await run(process.execPath, [...bin.tsc, "-b", ...packages])
  if (code !== 0) process.exit(code)
  mkdirSync(join(root, "docs/reference"), { recursive: true })
  for (const entry of entries) writeFileSync(fileOf(entry[0]), pageOf(entry))
  writeFileSync(limitsFile, await limitsPage())
  say("docs/reference and docs/limits.md are what the sources say")
}
