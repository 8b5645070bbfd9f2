import { mkdir, readdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { appPackageJson } from "./app-package-json.ts"
import { defaultTemplate, readTemplate, type TemplateName } from "./layers.ts"

export interface ScaffoldOptions {
  /** Absolute. Created if missing. */
  readonly directory: string
  /** The package's name. */
  readonly name: string
  /** Default: "todo". */
  readonly template?: TemplateName | undefined
  /** A directory with packed @lf packages, used instead of the registry's. */
  readonly lfFrom?: string | undefined
}

export type ScaffoldResult =
  | { readonly type: "created" }
  | { readonly type: "refused"; readonly reason: string; readonly entries: readonly string[] }

/** Entries that an "empty" directory may have: a new repository, and files that file managers create. */
const HARMLESS = new Set([".git", ".DS_Store"])

/** Files in which the template's name stands for the app's. */
const NAMED = new Set(["README.md", "AGENTS.md", "Dockerfile", "app/layout.tsx"])

/** Writes the app. Refuses a directory that is not empty, without writing anything. */
export async function scaffold(options: ScaffoldOptions): Promise<ScaffoldResult> {
  const { directory, name, template = defaultTemplate, lfFrom } = options
  const refusal = await refusalOf(directory)
  if (refusal !== null) return refusal
  // All is read before the first write, so that a failure leaves nothing behind.
  const files = new Map(await readTemplate(template))
  files.set("package.json", await appPackageJson({ template: files.get("package.json") ?? "{}", name, lfFrom }))
  for (const [path, text] of files) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, NAMED.has(path) ? text.replaceAll("my-app", name) : text, { flag: "wx" })
  }
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
