import { type LoadSqlite, MemoryDisk, type Network, newInstance } from "@lf/core/internal"
import factory from "wa-sqlite/dist/wa-sqlite.mjs"
import { browserHost } from "../browser/browser-host.ts"
import type { Platform } from "../port.ts"
import { MemoryLocks } from "./memory-locks.ts"

/** The browser's twin in memory. It has one worker, so a holder is never asked to hand over. */
export function memoryPlatform(network: Network): Platform {
  const disk = new MemoryDisk()
  const locks = new MemoryLocks()
  const places = new Map<string, string>()
  const moved = new Map<string, number>()
  let moves = 0
  const placeOf = (key: string) => places.get(key) ?? key
  const renew = (key: string) => void places.set(key, `${key}/${++moves}`)
  return {
    host: browserHost,
    loadSqlite: loadSqliteInNode,
    openLog: (key) => disk.open(placeOf(key)),
    deleteLog: async (key) => renew(key),
    hasLog: async (key) => disk.has(placeOf(key)),
    moveLog: async (from, to) => {
      places.set(to, placeOf(from))
      renew(from)
      moved.set(from, browserHost.nowMs())
    },
    movedMs: async (key) => moved.get(key) ?? null,
    network: () => network,
    own: (name) => locks.own(name),
    ownWhenFree: (name, signal) => locks.own(name, signal),
    holdLivenessLock: async () => null,
    watchLivenessLock: () => () => {},
  }
}

export const loadSqliteInNode: LoadSqlite = async () => {
  const { readFile } = await import("node:fs/promises")
  const { createRequire } = await import("node:module")
  const path = createRequire(import.meta.url).resolve("wa-sqlite/dist/wa-sqlite.wasm")
  const compiled = await WebAssembly.compile(new Uint8Array(await readFile(path)))
  return await newInstance(factory, (imports) => WebAssembly.instantiate(compiled, imports as WebAssembly.Imports))
}
