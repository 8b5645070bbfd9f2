import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const templateNames = ["minimal", "todo", "auth"] as const

export type TemplateName = (typeof templateNames)[number]

export const defaultTemplate: TemplateName = "todo"

/** What a template is made of; a file of a later layer takes the place of an earlier one's. */
const LAYERS: Readonly<Record<TemplateName, readonly string[]>> = {
  minimal: ["common", "minimal"],
  todo: ["common", "todo"],
  auth: ["common", "todo", "auth"],
}

/** Files of its layers that a template has no use for. */
const OMITTED: Partial<Record<TemplateName, readonly string[]>> = { auth: ["app/todos-page.tsx"] }

/** npm packs no .gitignore, so the layers have it under another name. */
const RENAMED = new Map([["_gitignore", ".gitignore"]])
/** Each layer adds to these. */
const PACKAGE = "package.json"
const AGENTS = "AGENTS.md"

const root = fileURLToPath(new URL("../templates", import.meta.url))

interface PackageJson {
  readonly [field: string]: unknown
}

export function isTemplateName(name: string): name is TemplateName {
  return templateNames.some((one) => one === name)
}

/** The template's files by their path in the app, with "/" on every system. All of them are text. */
export async function readTemplate(name: TemplateName): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const layer of LAYERS[name]) {
    for (const path of await filesBelow(join(root, layer))) {
      const text = await readFile(join(root, layer, path), "utf8")
      const target = RENAMED.get(path) ?? path
      files.set(target, joined(target, files.get(target), text))
    }
  }
  for (const path of OMITTED[name] ?? []) files.delete(path)
  return files
}

function joined(path: string, before: string | undefined, text: string): string {
  if (before === undefined) return text
  if (path === PACKAGE) return mergedPackage(before, text)
  return path === AGENTS ? `${before}\n${text}` : text
}

function mergedPackage(before: string, added: string): string {
  const [below, above]: PackageJson[] = [JSON.parse(before), JSON.parse(added)] // our own files
  const fields = Object.entries(above).map(([field, value]) => [field, mergedField(below[field], value)])
  return `${JSON.stringify({ ...below, ...Object.fromEntries(fields) }, null, 2)}\n`
}

/** Dependencies are in the order that npm gives them. */
function mergedField(below: unknown, above: unknown): unknown {
  if (!isRecord(below) || !isRecord(above)) return above
  return Object.fromEntries(Object.entries({ ...below, ...above }).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isRecord(value: unknown): value is PackageJson {
  return typeof value === "object" && value !== null
}

async function filesBelow(directory: string, path = ""): Promise<string[]> {
  const entries = await readdir(join(directory, path), { withFileTypes: true })
  const found = entries.map((entry) => {
    const below = path === "" ? entry.name : `${path}/${entry.name}`
    return entry.isDirectory() ? filesBelow(directory, below) : [below]
  })
  return (await Promise.all(found)).flat().sort()
}
