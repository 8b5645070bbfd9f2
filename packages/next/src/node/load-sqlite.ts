import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import type { LoadSqlite, SqliteModule } from "@lf/core"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"

let compiled: Promise<WebAssembly.Module> | undefined

/** A new wasm instance from one compilation of wa-sqlite's synchronous build. */
export const loadSqlite: LoadSqlite = async () => {
  compiled ??= compile()
  const module = await compiled
  const made = await factory({
    instantiateWasm(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) {
      void WebAssembly.instantiate(module, imports).then(receive)
      return {}
    },
  })
  return made as SqliteModule // the factory is untyped; module.ts lists what we use of it, and every name was checked
}

/** Read from the package as it is installed. A bundler that saw the name would try to make a module of the wasm. */
async function compile(): Promise<WebAssembly.Module> {
  const name = ["wa-sqlite", "dist", "wa-sqlite.wasm"].join("/")
  return await WebAssembly.compile(
    await readFile(resolveFrom([import.meta.url, `${process.cwd()}/package.json`], name)),
  )
}

/** The first place from where `name` is found: bundled code may not lie where its package does. */
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
