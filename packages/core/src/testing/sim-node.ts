import { newInstance } from "../sqlite/instance.ts"
import type { LoadSqlite } from "../sqlite/module.ts"

// Core is compiled without a platform's types: what the simulator needs of Node is named here.
interface NodeFs {
  readFile(path: string): Promise<Uint8Array>
}
interface NodeModule {
  createRequire(from: string): { resolve(specifier: string): string }
}
export interface NodeProcess {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): void }
  exitCode: number | undefined
  on(event: "unhandledRejection", listener: (reason: unknown) => void): void
  hrtime: { bigint(): bigint }
}
interface NodeGlobals {
  setImmediate(run: () => void): void
  readonly process: NodeProcess
}
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<object>
}

const globals = globalThis as unknown as NodeGlobals & { WebAssembly: Wasm }

const node: NodeProcess = globals.process

export function environment(name: string): string | undefined {
  return node.env[name]
}

/** One turn of Node's loop: every promise that can settle has settled when it resolves. */
export function turn(): Promise<void> {
  return new Promise((resolve) => globals.setImmediate(resolve))
}

/** Loads wa-sqlite's synchronous build from disk, compiled once. */
export async function sqliteLoader(): Promise<LoadSqlite> {
  const { readFile } = (await load("node:fs/promises")) as NodeFs
  const { createRequire } = (await load("node:module")) as NodeModule
  const path = createRequire((import.meta as unknown as { url: string }).url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
  const compiled = await globals.WebAssembly.compile(await readFile(path))
  const { default: make } = (await load("wa-sqlite/dist/wa-sqlite.mjs")) as {
    default: (options: object) => Promise<unknown>
  }
  return () => newInstance(make, (imports) => globals.WebAssembly.instantiate(compiled, imports))
}

/** By a name that the compiler does not see, so that it wants no types for it. */
async function load(specifier: string): Promise<unknown> {
  return await import(specifier)
}
