import { loadChecksum } from "@lf/core/internal"
import { IDBFactory } from "fake-indexeddb"
import { describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../../core/src/testing/log-contract.ts"
import type { BrowserStorage } from "./browser-storage.ts"
import { openBrowserLog } from "./idb-log.ts"
import { deleteBrowserLog, hasBrowserLog, moveBrowserLog, movedMsOf, storedBrowserKeys } from "./stored-logs.ts"

await loadChecksum()

const ONE = chainOf("s", ["1"])

/** With files, as OPFS has them. */
function freshStorage(): BrowserStorage & { folders: Map<string, Map<string, Uint8Array>>; indexedDB: IDBFactory } {
  const folders = new Map<string, Map<string, Uint8Array>>()
  return {
    folders,
    indexedDB: new IDBFactory(),
    async files(folder) {
      const files = folders.get(folder) ?? new Map<string, Uint8Array>()
      folders.set(folder, files)
      return {
        names: async () => [...files.keys()],
        read: async (name) => files.get(name) ?? null,
        write: async (name, parts) => {
          files.set(name, new Uint8Array(await new Blob([...parts]).arrayBuffer()))
        },
        remove: async (name) => void files.delete(name),
      }
    },
    removeFiles: async (folder) => void folders.delete(folder),
    isPrivate: async () => false,
  }
}

async function keep(key: string, storage: BrowserStorage): Promise<void> {
  const { log } = await openBrowserLog({ key, storage })
  await log.rollup(checkpointOf(1, 2), ONE)
  await log.close()
}

async function contents(key: string, storage: BrowserStorage) {
  const { log, checkpoint, records } = await openBrowserLog({ key, storage })
  await log.close()
  return { checkpoint, records }
}

const FULL = { checkpoint: checkpointOf(1, 2), records: ONE }
const EMPTY = { checkpoint: null, records: [] }

describe("a log that is given to another key", () => {
  test("it goes with its records and its file, and leaves nothing behind (T26)", async () => {
    const storage = freshStorage()
    await keep("from", storage)
    expect(await movedMsOf("from", storage)).toBe(null)
    const beforeMs = Date.now()
    await moveBrowserLog("from", "to", storage)
    expect(await movedMsOf("from", storage)).toBeGreaterThanOrEqual(beforeMs)
    expect(await movedMsOf("to", storage)).toBe(null)
    expect(await hasBrowserLog("from", storage)).toBe(false)
    expect(await hasBrowserLog("to", storage)).toBe(true)
    expect(await contents("to", storage)).toEqual(FULL)
    expect(await contents("from", storage)).toEqual(EMPTY)
  })

  test("the first key is never led back to what it gave away, not even when it is deleted (T25)", async () => {
    const storage = freshStorage()
    await keep("from", storage)
    await moveBrowserLog("from", "to", storage)
    await keep("from", storage)
    await deleteBrowserLog("from", storage)
    expect(await contents("from", storage)).toEqual(EMPTY)
    expect(await contents("to", storage)).toEqual(FULL)
  })

  test("it can be given on, and again, and every deletion takes the right one", async () => {
    const storage = freshStorage()
    for (const to of ["a", "b"]) {
      await keep("from", storage)
      await moveBrowserLog("from", to, storage)
    }
    await moveBrowserLog("a", "c", storage)
    await deleteBrowserLog("b", storage)
    for (const key of ["from", "a", "b"]) expect(await contents(key, storage)).toEqual(EMPTY)
    expect(await contents("c", storage)).toEqual(FULL)
    expect([...storage.folders.values()].filter((files) => files.size > 0)).toHaveLength(1)
  })

  test("asking for a log makes none", async () => {
    const storage = freshStorage()
    expect(await hasBrowserLog("never", storage)).toBe(false)
    expect(await storage.indexedDB.databases()).toEqual([])
    await openBrowserLog({ key: "empty", storage })
    expect(await hasBrowserLog("empty", storage)).toBe(false)
  })

  test("without IndexedDB there is none, and moving it does nothing", async () => {
    const storage = { ...freshStorage(), indexedDB: null }
    expect(await hasBrowserLog("from", storage)).toBe(false)
    await moveBrowserLog("from", "to", storage)
  })
})

test("the stored keys are those of logs, moved ones under the key that has them now", async () => {
  const storage = freshStorage()
  expect(await storedBrowserKeys(storage)).toEqual([])
  await keep("anonymous/d", storage)
  await keep("user/3/ann/e", storage)
  await moveBrowserLog("anonymous/d", "user/3/ann/d", storage)
  expect([...(await storedBrowserKeys(storage))].sort()).toEqual(["user/3/ann/d", "user/3/ann/e"])
  await keep("anonymous/d", storage)
  await deleteBrowserLog("user/3/ann/d", storage)
  expect([...(await storedBrowserKeys(storage))].sort()).toEqual(["anonymous/d", "user/3/ann/e"])
  expect(await storedBrowserKeys({ ...storage, indexedDB: null })).toEqual([])
})
