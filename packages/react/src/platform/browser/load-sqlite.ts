import { type LoadSqlite, newInstance } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"

let compiled: Promise<WebAssembly.Module> | null = null

/**
 * A new wasm instance, of code that is fetched and compiled once. A worker may lose its network for good: when the user
 * clears the site's data, the service worker goes that its fetches pass through.
 */
export const loadSqlite: LoadSqlite = async () => {
  compiled ??= compile()
  const code = await compiled.catch((error: unknown) => {
    compiled = null // the next one tries again
    throw error
  })
  return await newInstance(factory, (imports) => WebAssembly.instantiate(code, imports as WebAssembly.Imports))
}

async function compile(): Promise<WebAssembly.Module> {
  const url = new URL("wa-sqlite/dist/wa-sqlite.wasm", import.meta.url)
  const get = () => fetch(url, { credentials: "same-origin" })
  try {
    return await WebAssembly.compileStreaming(get())
  } catch {
    // Not everybody who serves files knows the type of this one.
    return await WebAssembly.compile(await (await get()).arrayBuffer())
  }
}
