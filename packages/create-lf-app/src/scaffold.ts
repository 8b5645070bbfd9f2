import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { appPackageJson } from "./app-package-json.ts"

export interface ScaffoldOptions {
  /** Absolute. Created if missing. */
  readonly directory: string
  /** The package's name. */
  readonly name: string
  /** A directory with packed @lf packages, used instead of the registry's. */
  readonly lfFrom?: string | undefined
}

export type ScaffoldResult =
  | { readonly type: "created" }
  | { readonly type: "refused"; readonly reason: string; readonly entries: readonly string[] }

const template = fileURLToPath(new URL("../template", import.meta.url))

/** Entries that an "empty" directory may have: a new repository, and files that file managers create. */
const HARMLESS = new Set([".git", ".DS_Store"])

/** npm does not pack a .gitignore, so the template has it under another name. */
const RENAMED = new Map([["_gitignore", ".gitignore"]])

/** Generated, not copied. */
const WRITTEN = new Set(["package.json", "README.md"])

/** Writes the app. Refuses a directory that is not empty, without writing anything. */
export async function scaffold({ directory, name, lfFrom }: ScaffoldOptions): Promise<ScaffoldResult> {
  const refusal = await refusalOf(directory)
  if (refusal !== null) return refusal
  // Read before the first write, so that a failure leaves nothing behind.
  const packageJson = await appPackageJson({ template: await readTemplate("package.json"), name, lfFrom })
  const readme = await readTemplate("README.md")
  await copyTemplate(template, directory)
  await writeFile(join(directory, "package.json"), packageJson, { flag: "wx" })
  await writeFile(join(directory, "README.md"), readme.replaceAll("my-app", name), { flag: "wx" })
  return { type: "created" }
}

/** Why nothing can be written to the directory; null if it can. */
export async function refusalOf(directory: string): Promise<Extract<ScaffoldResult, { type: "refused" }> | null> {
  try {
    const entries = (await readdir(directory)).filter((entry) => !HARMLESS.has(entry)).sort()
    return entries.length === 0 ? null : { type: "refused", reason: `${directory} is not empty.`, entries }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT") return null
    if (code === "ENOTDIR") return { type: "refused", reason: `${directory} is not a directory.`, entries: [] }
    throw error
  }
}

function readTemplate(file: string): Promise<string> {
  return readFile(join(template, file), "utf8")
}

async function copyTemplate(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (from === template && WRITTEN.has(entry.name)) continue
    const source = join(from, entry.name)
    const target = join(to, RENAMED.get(entry.name) ?? entry.name)
    if (entry.isDirectory()) await copyTemplate(source, target)
    else await copyFile(source, target)
  }
}
