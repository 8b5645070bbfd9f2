import type { LoadSqlite, SqliteModule } from "@lf/core"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"

/** A new wasm instance. The bundler finds the wasm by the package's own `new URL`; the browser caches its compilation. */
export const loadSqlite: LoadSqlite = async () => {
  return (await factory()) as SqliteModule // the factory is untyped; core's module.ts lists what is used of it
}
