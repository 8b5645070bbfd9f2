import { loadChecksum, openMemoryLog } from "@lf/core/internal"
import { MemoryLocks } from "../memory/memory-locks.ts"
import type { Platform } from "../port.ts"

/** The same platform for a worker that keeps nothing on the device: what it holds is its own, and gone with it. */
export function keptInMemory(platform: Platform): Platform {
  const locks = new MemoryLocks()
  return {
    ...platform,
    openLog: async () => {
      await loadChecksum()
      return openMemoryLog()
    },
    deleteLog: async () => {},
    hasLog: async () => false,
    storedKeys: async () => [],
    readRecords: async () => [],
    moveLog: async () => {},
    movedMs: async () => null,
    own: (name) => locks.own(name),
    ownWhenFree: (name, signal) => locks.own(name, signal),
  }
}
