// What the packages export, by name and kind, as their built types say. `npm run api` writes it to docs/api, where a review
// sees a change; scripts/api.test.ts fails when it is not what is built.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { parse } from "@babel/parser"
import { bin, packages, root, run, say } from "./run.mjs"

/** One line per name, under its entry of `exports`. @throws when the package is not compiled */
export function surfaceOf(folder) {
  const { name, exports } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
  const entries = Object.entries(exports).map(([path, { types }]) => {
    const kinds = kindsIn(join(root, folder, types))
    const lines = Array.from(kinds, ([exported, kind]) => `${kind.padEnd(10)}${exported}`)
    return [`${name}${path.slice(1)}`, ...lines.sort()].join("\n")
  })
  return `${entries.join("\n\n")}\n`
}

export function fileOf(folder) {
  return join(root, "docs/api", `${folder.slice("packages/".length)}.txt`)
}

/** The exported names of a declaration file and their kinds, through re-exports of other files of the package. */
function kindsIn(file) {
  const { program } = parse(readFileSync(file, "utf8"), {
    sourceType: "module",
    plugins: [["typescript", { dts: true }]],
  })
  const own = new Map()
  for (const statement of program.body) {
    for (const [name, kind] of declared(statement.declaration ?? statement)) own.set(name, kind)
  }
  const exported = new Map()
  for (const statement of program.body) {
    const { type, source, declaration, specifiers = [] } = statement
    if (type === "ExportAllDeclaration") for (const [name, kind] of kindsFrom(file, source)) exported.set(name, kind)
    if (type !== "ExportNamedDeclaration") continue
    if (declaration) for (const [name, kind] of declared(declaration)) exported.set(name, kind)
    const from = source ? kindsFrom(file, source) : own
    for (const { local, exported: as } of specifiers) exported.set(as.name, from.get(local.name) ?? "re-export")
  }
  return exported
}

function kindsFrom(file, { value }) {
  if (!value.startsWith(".")) return new Map()
  return kindsIn(resolve(dirname(file), value.replace(/\.[jt]sx?$/, ".d.ts")))
}

const kinds = {
  ClassDeclaration: "class",
  FunctionDeclaration: "function",
  TSDeclareFunction: "function",
  TSEnumDeclaration: "enum",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
}

/** The names that a statement declares. */
function declared({ type, id, kind, declarations }) {
  if (type === "VariableDeclaration") return declarations.map((one) => [one.id.name, kind])
  return kinds[type] === undefined ? [] : [[id.name, kinds[type]]]
}

if (process.argv[1]?.endsWith("api.mjs")) {
  const { code } = await run(process.execPath, [...bin.tsc, "-b", ...packages])
  if (code !== 0) process.exit(code)
  mkdirSync(join(root, "docs/api"), { recursive: true })
  for (const folder of packages) writeFileSync(fileOf(folder), surfaceOf(folder))
  say("docs/api is what the packages export")
}
