import { loadChecksum, type OpenedLog } from "@lf/core/internal"
import { IDBFactory, IDBObjectStore, IDBRequest } from "fake-indexeddb"
import { afterEach, describe, expect, test, vi } from "vitest"
import { chainOf, checkpointOf, logContract } from "../../../../core/src/testing/log-contract.ts"
import { type BrowserStorage, browserStorage } from "./browser-storage.ts"
import { openBrowserLog } from "./idb-log.ts"
import type { CheckpointFiles } from "./opfs-checkpoint.ts"
import { deleteBrowserLog } from "./stored-logs.ts"

await loadChecksum()

const KEY = "Äuser/../doc 1"
const ONE = chainOf("s", ["1"])

class MemoryStorage implements BrowserStorage {
  indexedDB: IDBFactory | null = new IDBFactory()
  hasFiles = true
  isPrivateWindow = false
  failWrite: Error | null = null
  beforeWrite: Promise<void> = Promise.resolve()
  readonly folders = new Map<string, Map<string, Uint8Array>>()

  async files(folder: string): Promise<CheckpointFiles | null> {
    if (!this.hasFiles) return null
    const files = this.folders.get(folder) ?? new Map<string, Uint8Array>()
    this.folders.set(folder, files)
    return {
      names: async () => [...files.keys()],
      read: async (name) => files.get(name) ?? null,
      write: async (name, parts) => {
        await this.beforeWrite
        if (this.failWrite !== null) throw this.failWrite
        files.set(name, new Uint8Array(await new Blob([...parts]).arrayBuffer()))
      },
      remove: async (name) => void files.delete(name),
    }
  }

  async removeFiles(folder: string): Promise<void> {
    this.folders.delete(folder)
  }

  async isPrivate(): Promise<boolean> {
    return this.isPrivateWindow
  }

  fileNames(): string[] {
    return [...this.folders.values()].flatMap((files) => [...files.keys()])
  }

  /** Changes a value of the database behind the log's back. */
  async change(store: string, key: IDBValidKey, change: (value: Uint8Array) => Uint8Array | undefined): Promise<void> {
    const db = await new Promise<IDBDatabase>((resolve) => {
      const request = (this.indexedDB as IDBFactory).open(`lf/1/${KEY}`)
      request.onsuccess = () => resolve(request.result as unknown as IDBDatabase)
    })
    const transaction = db.transaction(store, "readwrite")
    const values = transaction.objectStore(store)
    const old = values.get(key)
    old.onsuccess = () => {
      const value = change(old.result)
      if (value === undefined) values.delete(key)
      else values.put(value, key)
    }
    await new Promise((resolve) => {
      transaction.oncomplete = resolve
    })
    db.close()
  }
}

const flip = (at: number) => (value: Uint8Array) => value.map((byte, i) => (i === at ? byte ^ 1 : byte))
const open = (storage: BrowserStorage) => openBrowserLog({ key: KEY, storage })

for (const hasFiles of [true, false]) {
  logContract(`browser, ${hasFiles ? "with" : "without"} OPFS`, async () => {
    const storage = new MemoryStorage()
    storage.hasFiles = hasFiles
    return {
      isOwned: false,
      open: () => open(storage),
      // Opening again is what deposes: the fence rises.
      depose: async () => {},
      damageFirstGroup: () => storage.change("groups", 1, flip(45)),
      dispose: async () => {},
    }
  })
}

afterEach(() => vi.restoreAllMocks())

describe("browser log", () => {
  test("every transaction that writes asks for strict durability and is awaited to its end (I3)", async () => {
    const storage = new MemoryStorage()
    const { log } = await open(storage)
    const db = await databasePrototype(storage)
    const transaction = vi.spyOn(db, "transaction")
    await log.append(ONE)
    await log.rollup(checkpointOf(1, 1), ONE)
    expect(transaction.mock.calls.length).toBe(3)
    for (const call of transaction.mock.calls) expect(call.slice(1)).toEqual(["readwrite", { durability: "strict" }])
    await log.close()
  })

  test("the previous generation's file stays until the new one was opened once", async () => {
    const storage = new MemoryStorage()
    const { log } = await open(storage)
    for (let i = 1; i <= 4; i++) await log.rollup(checkpointOf(i, 2), [])
    expect(storage.fileNames()).toEqual(["db-4-1", "db-5-1"])
    await log.close()
    const again = await open(storage)
    expect(again.checkpoint).toEqual(checkpointOf(4, 2))
    expect(storage.fileNames()).toEqual(["db-5-1"])
    await again.log.close()
  })

  test("appends do not wait for the pages of a rollup, and closing does", async () => {
    const storage = new MemoryStorage()
    const { log } = await open(storage)
    let write: () => void = () => {}
    storage.beforeWrite = new Promise((resolve) => {
      write = () => resolve()
    })
    const prepared = log.prepare?.(checkpointOf(1, 2).pages)
    await log.append(ONE)
    let isClosed = false
    const closed = log.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([isClosed, storage.fileNames()]).toEqual([false, []])
    write()
    await Promise.all([prepared, closed])
    const again = await open(storage)
    expect([again.checkpoint, again.records]).toEqual([null, ONE])
    await again.log.close()
  })

  test("a missing, cut or damaged file costs the pages and nothing else", async () => {
    for (const damage of [
      (files: Map<string, Uint8Array>) => files.clear(),
      (files: Map<string, Uint8Array>) => files.set("db-2-1", new Uint8Array(4096)),
      (files: Map<string, Uint8Array>) => files.set("db-2-1", flip(5000)(files.get("db-2-1") ?? new Uint8Array(0))),
    ]) {
      const storage = new MemoryStorage()
      const { log } = await open(storage)
      await log.rollup(checkpointOf(1, 2), ONE)
      await log.close()
      for (const files of storage.folders.values()) damage(files)
      const again = await open(storage)
      expect(again.checkpoint).toEqual({ meta: checkpointOf(1, 2).meta, pages: [] })
      expect(again.records).toEqual(ONE)
      await again.log.rollup(checkpointOf(3, 3), ONE)
      await again.log.close()
      const last = await open(storage)
      expect(last.checkpoint).toEqual(checkpointOf(3, 3))
      await last.log.close()
    }
  })

  test("OPFS that comes, goes or fails between rollups is no matter", async () => {
    const storage = new MemoryStorage()
    for (const [i, how] of (["files", "none", "files", "failing", "files"] as const).entries()) {
      storage.hasFiles = how !== "none"
      storage.failWrite = how === "failing" ? new Error("no") : null
      const { log } = await open(storage)
      await log.rollup(checkpointOf(i, i + 1), ONE)
      await log.close()
      const again = await open(storage)
      expect(again.checkpoint).toEqual(checkpointOf(i, i + 1))
      expect(again.records).toEqual(ONE)
      await again.log.close()
    }
  })

  test("a lost group, header or live record is reported (I11)", async () => {
    for (const [store, key] of [
      ["groups", 1],
      ["groups", 2],
      ["meta", "header"],
    ] as const) {
      const storage = new MemoryStorage()
      const { log } = await open(storage)
      for (const record of chainOf("s", ["1", "2", "3"])) await log.append([record])
      await log.close()
      await storage.change(store, key, () => undefined)
      await expect(open(storage)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
    }
    const storage = new MemoryStorage()
    const { log } = await open(storage)
    await log.append(ONE)
    await log.close()
    await storage.change("groups", 1, (value) => value.slice(0, -1))
    await expect(open(storage)).rejects.toMatchObject({ code: "LOG_CORRUPT" })
  })

  test("a full quota is LOG_FULL in both stores, for good, and nothing acknowledged is lost (T19)", async () => {
    const full = new DOMException("full", "QuotaExceededError")
    for (const where of ["append", "file", "rollup"] as const) {
      const storage = new MemoryStorage()
      const { log } = await open(storage)
      await log.append(ONE)
      if (where === "file") storage.failWrite = full
      else
        vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(() => {
          throw full
        })
      const failing = where === "append" ? log.append(chainOf("t", ["1"])) : log.rollup(checkpointOf(1, 1), [])
      const error = await failing.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: "LOG_FULL", cause: full })
      vi.restoreAllMocks()
      await expect(log.append(ONE)).rejects.toBe(error)
      await log.close()
      const again = await open(storage)
      expect([again.checkpoint, again.records]).toEqual([null, ONE])
      await again.log.close()
    }
  })

  test("a full disk opens and reads; the fence is raised with the first write that fits (T19)", async () => {
    const storage = new MemoryStorage()
    const first = await open(storage)
    await first.log.append(ONE)
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore) {
      const error = new DOMException("", "QuotaExceededError")
      Object.defineProperty(this.transaction, "error", { get: () => error, set: () => {} })
      this.transaction.abort()
      return new IDBRequest()
    })
    const full = await open(storage)
    expect(full.records).toEqual(ONE)
    vi.restoreAllMocks()
    // Both would raise it.
    const { pages } = checkpointOf(1, 1)
    await Promise.all([full.log.append(chainOf("t", ["1"])), full.log.prepare?.(pages)])
    await full.log.append(chainOf("u", ["1"]))
    await expect(first.log.append(ONE)).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await full.log.close()
    expect((await open(storage)).records).toHaveLength(3)
  })

  test("a newer format is refused (T20)", async () => {
    const storage = new MemoryStorage()
    const request = (storage.indexedDB as IDBFactory).open(`lf/1/${KEY}`, 2)
    await new Promise((resolve) => {
      request.onsuccess = resolve
    })
    request.result.close()
    await expect(open(storage)).rejects.toMatchObject({ code: "LOG_FORMAT_NEWER" })
  })

  test("without IndexedDB, or where it refuses to open, the log is in memory and says so", async () => {
    const storage = new MemoryStorage()
    const factory = storage.indexedDB as IDBFactory
    vi.spyOn(factory, "open").mockImplementation(() => {
      throw new DOMException("forbidden", "SecurityError")
    })
    expect((await open(storage)).log.isDurable).toBe(false)
    storage.indexedDB = null
    expect((await open(storage)).log.isDurable).toBe(false)
    await deleteBrowserLog(KEY, storage)
  })

  test("a private window that is known as one keeps its log, and says that it is not durable", async () => {
    const storage = new MemoryStorage()
    storage.isPrivateWindow = true
    const { log } = await open(storage)
    expect(log.isDurable).toBe(false)
    await log.append(ONE)
    await log.close()
    expect((await open(storage)).records).toEqual(ONE)
  })

  test("a private window of Firefox is known by OPFS, which it refuses", async () => {
    vi.stubGlobal("FileSystemFileHandle", class {})
    const opfs = (getDirectory: () => Promise<unknown>) => vi.stubGlobal("navigator", { storage: { getDirectory } })
    opfs(() => Promise.reject(new DOMException("", "SecurityError")))
    expect(await browserStorage().isPrivate()).toBe(true)
    opfs(() => Promise.reject(new DOMException("", "UnknownError")))
    expect(await browserStorage().isPrivate()).toBe(false)
    opfs(() => Promise.resolve({}))
    expect(await browserStorage().isPrivate()).toBe(false)
    vi.unstubAllGlobals()
  })

  test("deleting waits for no open log: it lets go, and its appends are refused", async () => {
    const storage = new MemoryStorage()
    const { log } = await open(storage)
    await log.rollup(checkpointOf(1, 1), ONE)
    await deleteBrowserLog(KEY, storage)
    await expect(log.append(ONE)).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    expect(storage.fileNames()).toEqual([])
    const again = await open(storage)
    expect([again.checkpoint, again.records]).toEqual([null, []])
    await again.log.close()
  })

  test("a log whose storage is taken away reports it before any write, once (I3)", async () => {
    const storage = new MemoryStorage()
    const factory = storage.indexedDB as IDBFactory
    const databases: IDBDatabase[] = []
    const realOpen = factory.open.bind(factory)
    factory.open = (...args) => {
      const request = realOpen(...args)
      request.addEventListener("success", () => databases.push(request.result as unknown as IDBDatabase))
      return request
    }
    const reported: string[] = []
    const watch = ({ log }: OpenedLog) => log.watch?.(({ code }) => reported.push(code))
    watch(await open(storage))
    await deleteBrowserLog(KEY, storage)
    expect(reported).toEqual(["LOG_DEPOSED"])
    const cleared = await open(storage)
    watch(cleared)
    const [db] = databases.splice(-1)
    for (let i = 0; i < 2; i++) db.onclose?.(new Event("close"))
    expect(reported).toEqual(["LOG_DEPOSED", "LOG_FAILED"])
    await expect(cleared.log.append(ONE)).rejects.toMatchObject({ code: "LOG_FAILED" })
    const closed = await open(storage)
    watch(closed)
    await closed.log.close()
    expect(reported.length).toBe(2)
  })

  test("keys that differ only in case or in odd characters have logs of their own", async () => {
    const storage = new MemoryStorage()
    const keys = ["a", "A", "..", "a/b", ""]
    for (const [i, key] of keys.entries()) {
      const { log } = await openBrowserLog({ key, storage })
      await log.rollup(checkpointOf(i, 1), [])
      await log.close()
    }
    expect(new Set([...storage.folders.keys()].map((name) => name.toLowerCase())).size).toBe(keys.length)
    for (const [i, key] of keys.entries()) {
      const { log, checkpoint } = await openBrowserLog({ key, storage })
      expect(checkpoint).toEqual(checkpointOf(i, 1))
      await log.close()
    }
  })

  test("where there is no browser there is no storage", async () => {
    const storage = browserStorage()
    expect(storage.indexedDB).toBe(null)
    expect(await storage.files("x")).toBe(null)
    expect(await storage.isPrivate()).toBe(false)
    await storage.removeFiles("x")
  })
})

async function databasePrototype(storage: MemoryStorage): Promise<{ transaction: (...args: never[]) => unknown }> {
  const request = (storage.indexedDB as IDBFactory).open("other")
  await new Promise((resolve) => {
    request.onsuccess = resolve
  })
  const prototype = Object.getPrototypeOf(request.result)
  request.result.close()
  return prototype
}
