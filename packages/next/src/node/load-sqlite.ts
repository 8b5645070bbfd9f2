import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { type LoadSqlite, newInstance, useDeflater } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { zlibDeflater } from "./zlib-deflater.ts"

let compiled: Promise<WebAssembly.Module> | undefined

/** Compiles it before the first document needs it. */
export async function prepareSqlite(): Promise<void> {
  compiled ??= compile()
  await compiled
}

/** A new wasm instance from one compilation of wa-sqlite's synchronous build. From now on pages pass through Node's zlib. */
export const loadSqlite: LoadSqlite = async () => {
  useDeflater(zlibDeflater)
  compiled ??= compile()
  const code = await compiled
  return await newInstance(factory, (imports) => WebAssembly.instantiate(code, imports as WebAssembly.Imports))
}

/** Read from the installed package. A bundler that saw the name would try to make a module of the wasm. */
async function compile(): Promise<WebAssembly.Module> {
  const name = ["wa-sqlite", "dist", "wa-sqlite.wasm"].join("/")
  return await WebAssembly.compile(
    await readFile(resolveFrom([import.meta.url, `${process.cwd()}/package.json`], name)),
  )
}

/** The first place from where `name` resolves: bundled code may be outside of its package. */
function resolveFrom(places: readonly string[], name: string): string {
  let failure: unknown
  for (const place of places) {
    try {
      return createRequire(place).resolve(name)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
