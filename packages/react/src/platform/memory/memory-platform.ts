import { MemoryDisk, type Network } from "@lf/core/internal"
import { browserHost } from "../browser/browser-host.ts"
import type { Platform } from "../port.ts"
import { keysOf } from "../stored-keys.ts"
import { loadSqliteAnywhere } from "./load-sqlite.ts"
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
    loadSqlite: loadSqliteAnywhere,
    openLog: (key) => disk.open(placeOf(key)),
    deleteLog: async (key) => renew(key),
    hasLog: async (key) => disk.has(placeOf(key)),
    storedKeys: async () => keysOf(disk.names(), places),
    readRecords: async (key) => disk.records(placeOf(key)),
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
