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

async function compile(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
  return await WebAssembly.compile(await readFile(path))
}
