import { type LoadSqlite, newInstance } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { loadSqlite as loadSqliteInBrowser } from "../browser/load-sqlite.ts"

let compiled: Promise<WebAssembly.Module> | null = null

/** SQLite wherever a test runs: Node under any runner, or a browser's page. Compiled once. */
export const loadSqliteAnywhere: LoadSqlite = async () => {
  if (!isNode()) return await loadSqliteInBrowser()
  compiled ??= compile()
  const code = await compiled.catch((error: unknown) => {
    compiled = null // the next call retries
    throw error
  })
  return await newInstance(factory, (imports) => WebAssembly.instantiate(code, imports as WebAssembly.Imports))
}

async function compile(): Promise<WebAssembly.Module> {
  const { createRequire } = await builtin<typeof import("module")>("module")
  const { readFile } = await builtin<typeof import("fs/promises")>("fs/promises")
  const path = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
  return await WebAssembly.compile(new Uint8Array(await readFile(path)))
}

function isNode(): boolean {
  return typeof process === "object" && typeof process.versions?.node === "string"
}

/** A module of Node's without its name in an import: bundlers for browsers refuse such a file. */
async function builtin<Module>(name: string): Promise<Module> {
  const { getBuiltinModule }: Partial<NodeJS.Process> = process
  const specifier = `node:${name}`
  // Node before 20.16 has only the import.
  const found: unknown =
    getBuiltinModule === undefined
      ? await import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)
      : getBuiltinModule(specifier)
  return found as Module // the name is that of the type
}
