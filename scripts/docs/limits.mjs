// The tables of docs/limits.md that are made from the sources: the server's options, and every constant that ends in _MAX.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../run.mjs"

export const page = join(root, "docs/limits.md")
const folders = ["packages/core/src", "packages/react/src", "packages/next/src"]

/** The page with its tables made new. */
export async function limitsPage() {
  const text = readFileSync(page, "utf8")
  checkNumbers(text)
  return replaced(replaced(text, "options", await optionsTable()), "constants", constantsTable())
}

function replaced(text, name, table) {
  const [from, to] = [`<!-- ${name}: made by \`npm run docs\` -->`, `<!-- end of ${name} -->`]
  const [start, end] = [text.indexOf(from), text.indexOf(to)]
  if (start === -1 || end === -1) throw new Error(`docs/limits.md: expected ${from} and ${to}, found none`)
  return `${text.slice(0, start + from.length)}\n\n${table}\n\n${text.slice(end)}`
}

async function optionsTable() {
  const { LIMITS } = await import(join(root, "packages/next/dist/limits/limits.js"))
  const source = readFileSync(join(root, "packages/next/src/limits/limits.ts"), "utf8")
  const rows = Array.from(source.matchAll(/\/\*\* (.+?) \*\/\n((?: {2}readonly \w+: number\n)+)/g)).flatMap(
    ([, comment, names]) =>
      Array.from(names.matchAll(/readonly (\w+)/g), ([, name]) => [name, numberOf(LIMITS[name], name), comment]),
  )
  const missing = Object.keys(LIMITS).filter((name) => !rows.some(([known]) => known === name))
  if (missing.length > 0) throw new Error(`limits.ts: expected a comment above ${missing.join(", ")}`)
  return tableOf(["option", "default", "what"], rows)
}

/** What is written by hand: a row that names a constant has its number. @throws Error */
function checkNumbers(text) {
  const found = constants()
  const known = new Map(found.map(({ name, expression }) => [name, expression]))
  const rows = text.matchAll(/^\| .+? \| (.+?) \| `([A-Z_]+_MAX)` \| .+ \|$/gm)
  for (const [, number, name] of rows) {
    const value = evaluated(known.get(name) ?? "", known)
    if (value === undefined) throw new Error(`docs/limits.md: there is no constant ${name}`)
    const forms = [value.toLocaleString("en"), sizeOf(value)]
    if (!forms.some((form) => number.startsWith(form)))
      throw new Error(`docs/limits.md: expected ${forms[0]} for ${name}, got ${number}`)
  }
}

function constants() {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
      .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|\/testing\//.test(file)),
  )
  return files.sort().flatMap(constantsOf)
}

function constantsTable() {
  const found = constants()
  const known = new Map(found.map(({ name, expression }) => [name, expression]))
  const limits = found.filter(({ expression }) => evaluated(expression, known) !== undefined)
  const rows = limits.map(({ name, expression, comment, file }) => [
    name,
    numberOf(evaluated(expression, known), name),
    comment,
    `\`${file.replace(/^packages\/(\w+)\/src\//, "$1/")}\``,
  ])
  rows.sort((a, b) => (a[0] + a[3] < b[0] + b[3] ? -1 : 1))
  return tableOf(["constant", "number", "what", "where"], rows)
}

function constantsOf(file) {
  const source = readFileSync(join(root, file), "utf8")
  const found = source.matchAll(/(?:\/\*\* ([^\n]*?) \*\/\n)?^(?:export )?const (\w+_MAX)(?:: number)? = ([^\n{[]+)$/gm)
  return Array.from(found, ([, comment = "", name, expression]) => ({ file, comment, name, expression }))
}

/** Numbers, other constants and `*`, `**`: anything else is not a limit's value but a computation, which is left out. */
function evaluated(expression, known) {
  const factors = expression.replace(/\/\/.*$/, "").replaceAll(/\w+/g, (word) => {
    if (/^\d/.test(word)) return word.replaceAll("_", "")
    const other = known.get(word) ?? parts[word]
    return other === undefined ? word : `(${evaluated(String(other), known)})`
  })
  if (!/^[\d\s()*+x a-fA-F]+$/.test(factors)) return undefined
  return Function(`return ${factors}`)()
}

/** What the values of limits are made of besides each other. */
const parts = { PAGE_BYTES: 4096, HASHES_KEPT: 1024 }

function numberOf(value, name) {
  const number = value.toLocaleString("en")
  if (/bytes/i.test(name) && value >= 65_536 && value % 1024 === 0) return `${number} (${sizeOf(value)})`
  return number
}

function sizeOf(bytes) {
  return bytes % 1_048_576 === 0 ? `${bytes / 1_048_576} MiB` : `${bytes / 1024} KiB`
}

function tableOf(head, rows) {
  const lines = rows.map(
    ([name, ...rest]) => `| \`${name}\` | ${rest.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  )
  return [`| ${head.join(" | ")} |`, `|${head.map(() => "---|").join("")}`, ...lines].join("\n")
}
