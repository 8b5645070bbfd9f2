import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { appPackageJson } from "./app-package-json.ts"
import { defaultTemplate, readTemplate } from "./layers.ts"
import { withLfAround } from "./next-config.ts"

/** What `--add` writes into an app that exists. Paths are relative to it. */
export interface Change {
  readonly path: string
  /** Null: the file is new. */
  readonly before: string | null
  readonly after: string
}

export type AddPlan =
  | { readonly type: "planned"; readonly changes: readonly Change[]; readonly byHand: readonly string[] }
  | { readonly type: "refused"; readonly reason: string; readonly entries: readonly string[] }

interface AppPackage {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** The oldest Next that @lf/next works with. */
const NEXT_MIN = [15, 5, 0] as const
/** Files of the todo template by their place below the folder that has `app/`; the todo list gets a page of its own. */
const FILES: readonly (readonly [from: string, to: string])[] = [
  ["lf.server.ts", "lf.server.ts"],
  ["app/api/lf/route.ts", "app/api/lf/route.ts"],
  ["app/lf/connect.ts", "app/lf/connect.ts"],
  ["app/lf/mutators.ts", "app/lf/mutators.ts"],
  ["app/lf/todo-mutations.ts", "app/lf/todo-mutations.ts"],
  ["app/lf/worker.ts", "app/lf/worker.ts"],
  ["app/todos.tsx", "app/lf/todos.tsx"],
  ["app/todos-page.tsx", "app/lf/todos-page.tsx"],
  ["app/todos.css", "app/lf/todos.css"],
  ["app/l/[id]/page.tsx", "app/lf/[id]/page.tsx"],
]
/** Where `lf types` writes it: beside package.json. */
const TYPES_FILE = "lf-types.d.ts"
const IGNORED = "\n# lf: the server's documents\n.lf\n"

/** Looks at an App Router app and says what would be written. Writes nothing. */
export async function planAddition(directory: string, lfFrom?: string): Promise<AddPlan> {
  const packageText = await textOf(join(directory, "package.json"))
  if (packageText === null) return refused(`there is no package.json in ${directory}: run this in the app's directory.`)
  const app = packageOf(packageText)
  if (app === null) return refused("package.json is no JSON object.")
  const next = { ...app.devDependencies, ...app.dependencies }.next
  if (next === undefined) return refused("package.json has no dependency `next`: lf is added to Next.js apps.")
  if (isTooOld(next))
    return refused(`lf needs next ${NEXT_MIN.join(".")} or newer, package.json has ${next}: update it first.`)
  if ((await textOf(join(directory, "tsconfig.json"))) === null)
    return refused(
      "there is no tsconfig.json: lf's files are TypeScript, which Next sets up when the first .ts file is there.",
    )
  const base = (await isDirectory(join(directory, "src/app"))) ? "src" : "."
  if (!(await isDirectory(join(directory, base, "app"))))
    return refused("there is no app/ or src/app/: lf needs the App Router.")
  return await planFor({ directory, base, packageText, lfFrom })
}

async function planFor(options: {
  readonly directory: string
  readonly base: string
  readonly packageText: string
  readonly lfFrom: string | undefined
}): Promise<AddPlan> {
  const { directory, base, packageText, lfFrom } = options
  const template = await readTemplate(defaultTemplate)
  const files = FILES.map(([from, to]) => {
    return { path: join(base, to), before: null, after: placed(to, template.get(from) ?? "") }
  })
  files.push({ path: TYPES_FILE, before: null, after: template.get(TYPES_FILE) ?? "" })
  const there: string[] = []
  for (const { path } of files) if ((await textOf(join(directory, path))) !== null) there.push(path)
  if (there.length > 0) return refused("lf is here already, or files of its names are; nothing is overwritten.", there)
  const config = await configChange(directory)
  const ours = await appPackageJson({ template: template.get("package.json") ?? "{}", name: "app", lfFrom })
  const manifest = packageChange(packageText, ours)
  const edits = [manifest.change, await ignoreChange(directory), config.change]
  const changes = [...files, ...edits.filter((edit) => edit !== null)]
  return { type: "planned", changes, byHand: [...manifest.byHand, ...config.byHand] }
}

/** The todo list's files move together: their imports of each other are shorter. */
function placed(to: string, text: string): string {
  if (to.startsWith("app/lf/todos")) return text.replaceAll('"./lf/', '"./')
  return to === "app/lf/[id]/page.tsx" ? text.replaceAll('"../../todos', '"../todos') : text
}

function packageChange(before: string, ours: string): { change: Change; byHand: string[] } {
  const indent = /\n([ \t]+)"/.exec(before)?.[1] ?? "  "
  const json = JSON.parse(before) // looked at before
  const known = { ...json.devDependencies, ...json.dependencies }
  const wanted = Object.entries(packageOf(ours)?.dependencies ?? {}).filter(([name]) => !Object.hasOwn(known, name))
  const all = Object.entries({ ...json.dependencies, ...Object.fromEntries(wanted) })
  const dependencies = Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)))
  const build = withTypesBefore(json.scripts?.build)
  const scripts = build === null ? {} : { scripts: { ...json.scripts, build } }
  const after = `${JSON.stringify({ ...json, ...scripts, dependencies }, null, indent)}\n`
  const remedy = "package.json: run `lf types` before `next build`, so that a wrong column fails the build"
  return { change: { path: "package.json", before, after }, byHand: build === null ? [remedy] : [] }
}

/** `lf types` before `next build`, where that is a command of its own; null: the script has another form, or there is none. */
function withTypesBefore(build: unknown): string | null {
  if (typeof build !== "string") return null
  const after = build.replace(/(^|&& *)(next build(?= |$))/, "$1lf types && $2")
  return after === build ? null : after
}

/** Null: it says so already. */
async function ignoreChange(directory: string): Promise<Change | null> {
  const before = await textOf(join(directory, ".gitignore"))
  if (before !== null && /^\/?\.lf\/?$/m.test(before)) return null
  return { path: ".gitignore", before, after: `${before ?? ""}${IGNORED}` }
}

async function configChange(directory: string): Promise<{ change: Change | null; byHand: string[] }> {
  const path = (await readdir(directory)).find((name) => /^next\.config\.(ts|mts|mjs|js|cjs)$/.test(name))
  if (path === undefined) {
    const after = 'import { withLf } from "@lf/next/config"\n\nexport default withLf({})\n'
    return { change: { path: "next.config.mjs", before: null, after }, byHand: [] }
  }
  const before = (await textOf(join(directory, path))) ?? ""
  const after = withLfAround(before)
  if (after === before) return { change: null, byHand: [] }
  if (after !== null) return { change: { path, before, after }, byHand: [] }
  const remedy = 'wrap what it exports: import { withLf } from "@lf/next/config" and export default withLf(config)'
  return { change: null, byHand: [`${path} has a form that this program does not change: ${remedy}`] }
}

function packageOf(text: string): AppPackage | null {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : null
  } catch {
    return null
  }
}

/** Of a range its first version counts; what has none (`latest`, a tag, a path) is taken for new enough. */
function isTooOld(range: string): boolean {
  const found = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(/^[\^~>=v\s]*\d/.test(range) ? range : "")
  if (found === null) return false
  const parts = found.slice(1).map((part) => Number(part ?? Number.POSITIVE_INFINITY))
  for (const [i, min] of NEXT_MIN.entries()) if (parts[i] !== min) return parts[i] < min
  return false
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null
    throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

function refused(reason: string, entries: readonly string[] = []): AddPlan {
  return { type: "refused", reason, entries }
}

/** A change as its lines: `+` what comes, `-` what goes. A new file is its path and how long it is. */
export function describeChange({ path, before, after }: Change): string {
  if (before === null) return `create ${path} (${after.split("\n").length - 1} lines)`
  const [old, now] = [before.split("\n"), after.split("\n")]
  const gone = old.filter((line) => !now.includes(line)).map((line) => `  - ${line}`)
  const come = now.filter((line) => !old.includes(line)).map((line) => `  + ${line}`)
  return [`edit ${path}`, ...gone, ...come].join("\n")
}
