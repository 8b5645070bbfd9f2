import { type LoadSqlite, newInstance, type SqliteModule, useDeflater } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { browserHost } from "./browser-host.ts"
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
  for (const pauseMs of MEMORY_PAUSES_MS) {
    try {
      return await instanceOf(code)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      await new Promise<void>((resolve) => void browserHost.after(pauseMs, resolve))
    }
  }
  return await instanceOf(code)
}

/** The memory of closed instances is free once the browser has collected it: asked again after these. */
const MEMORY_PAUSES_MS = [50, 200, 500, 1_000, 2_000]

function instanceOf(code: WebAssembly.Module): Promise<SqliteModule> {
  return newInstance(factory, (imports) => WebAssembly.instantiate(code, imports as WebAssembly.Imports))
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
