// The program `lf`, for tests.
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { promisify } from "node:util"
import { bundle } from "../../../next/src/testing/bundle.ts"

const run = promisify(execFile)

type Variables = Readonly<Record<string, string>>

/** Runs `lf` in `cwd`: what it printed, and its exit status. */
export async function commandLine(variables: Variables, cwd = new URL("..", import.meta.url).pathname) {
  const program = await bundle("cli/bin.ts")
  return async (words: readonly string[], more: Variables = {}) => {
    const env = { ...process.env, ...variables, ...more }
    const ended = run(process.execPath, [program, ...words], { env, cwd })
    const { code = 0, stdout, stderr } = await ended.catch((error) => error)
    return { code, text: `${stdout}${stderr}` }
  }
}

/** What is in a directory, and in those below it; null: it does not exist. */
export async function namesIn(directory: string): Promise<string[] | null> {
  return existsSync(directory) ? (await readdir(directory, { recursive: true })).sort() : null
}
