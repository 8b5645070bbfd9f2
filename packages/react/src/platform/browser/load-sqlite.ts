import { type LoadSqlite, newInstance, useDeflater } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { streamInflater } from "./stream-inflater.ts"

let compiled: Promise<WebAssembly.Module> | null = null

/**
 * A new wasm instance, from code that is fetched and compiled once. A worker may lose its network for good: clearing
 * the site's data removes the service worker that its fetches pass through.
 */
export const loadSqlite: LoadSqlite = async () => {
  useDeflater(streamInflater())
  compiled ??= compile()
  const code = await compiled.catch((error: unknown) => {
    compiled = null // the next call retries
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
    // Some file servers do not know the type of wasm.
    return await WebAssembly.compile(await (await get()).arrayBuffer())
  }
}
