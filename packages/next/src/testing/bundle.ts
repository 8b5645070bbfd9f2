// Bundles a program for a test to start as one file, in a place where Node finds installed packages.
import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { build } from "esbuild"
import { later } from "./fixture.ts"

const root = new URL("../../../..", import.meta.url).pathname

/**
 * The path of the bundle of `entry`, which is below `packages/next/src`, or begins with "packages/". By default it is removed
 * after the test.
 */
export async function bundle(entry: string, whenOver: (undo: () => unknown) => void = later): Promise<string> {
  const path = entry.startsWith("packages/") ? entry : `packages/next/src/${entry}`
  const parent = join(root, "node_modules/.lf-next-test")
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, `${process.pid}-`))
  whenOver(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, `${basename(entry, ".ts")}.mjs`)
  await build({
    entryPoints: [join(root, path)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    alias: {
      "@lf/core": join(root, "packages/core/src/index.ts"),
      "@lf/core/internal": join(root, "packages/core/src/internal.ts"),
    },
    external: ["wa-sqlite", "ws", "next", "pg"],
    absWorkingDir: root,
    logLevel: "error",
  })
  return outfile
}

export function hasSqliteShell(): boolean {
  try {
    execFileSync("sqlite3", ["-version"])
    return true
  } catch {
    return false
  }
}

/** The output of the `sqlite3` shell for a file. */
export function askSqliteShell(file: string, question: string): string {
  return execFileSync("sqlite3", [file, question], { encoding: "utf8" }).trim()
}
