import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { isLfError } from "@lf/core"
import { type RowTypes, rowTypes } from "./row-types.ts"
import { SourceWatcher } from "./source-watcher.ts"

const TYPES_FILE = "lf-types.d.ts"
/** An editor saves several files at once. */
const QUIET_MS = 150

export interface TypesOptions {
  readonly appDir: string
  readonly mutatorFile?: string | undefined
  /** Whether the file is compared instead of written. */
  readonly isCheck?: boolean
}

export interface WrittenTypes {
  readonly types: RowTypes
  /** Of the file, before this call. */
  readonly isStale: boolean
}

/** Checks an app's sql literals; without problems it writes lf-types.d.ts where that differs. @throws TYPES_NO_MUTATOR */
export async function writeTypes({ appDir, mutatorFile, isCheck = false }: TypesOptions): Promise<WrittenTypes> {
  const types = await rowTypes(appDir, mutatorFile)
  const file = join(appDir, TYPES_FILE)
  const before = await readFile(file, "utf8").catch(() => null)
  const isStale = types.problems.length === 0 && before !== types.declarations
  if (isStale && !isCheck) await writeFile(file, types.declarations)
  return { types, isStale }
}

/** Calls `run` now and after each change of a source below `directory`, one run at a time, until `signal` aborts. */
export async function runOnChange(directory: string, run: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let isDue = true
  let wake = () => {}
  const sources = new SourceWatcher(directory, () => {
    isDue = true
    wake()
  })
  signal.addEventListener("abort", () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      if (isDue) {
        isDue = false
        // Before the run: what changes meanwhile makes another one.
        sources.refresh()
        await run()
      }
      await new Promise<void>((resolve) => {
        wake = resolve
        if (isDue || signal.aborted) resolve()
      })
      if (!signal.aborted) await setTimeout(QUIET_MS, undefined, { signal }).catch(() => {})
    }
  } finally {
    sources.close()
  }
}

/** The lines that `lf types` prints. */
export function linesOf({ types, isStale }: WrittenTypes, isCheck: boolean): { text: string; isFine: boolean } {
  const { problems, checkedCount, dynamicCount } = types
  if (problems.length > 0) return { text: problems.join("\n"), isFine: false }
  if (isStale && isCheck) return { text: `${TYPES_FILE} is not what the app's sql says: run lf types`, isFine: false }
  const rest =
    dynamicCount === 0 ? "" : `; ${dynamicCount} with parts that are only known when they run were not checked`
  return { text: `${TYPES_FILE}: ${checkedCount} statements are sound${rest}`, isFine: true }
}

/** One run's lines, also of what it throws. */
export async function typesReport(options: TypesOptions): Promise<{ text: string; isFine: boolean }> {
  try {
    return linesOf(await writeTypes(options), options.isCheck === true)
  } catch (error) {
    if (!isLfError(error)) throw error
    return { text: `lf types: ${error.code}: ${error.message}`, isFine: false }
  }
}
