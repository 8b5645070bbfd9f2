import type { LogRecord } from "@lf/core/internal"
import { keysOf } from "../stored-keys.ts"
import { type BrowserStorage, browserStorage } from "./browser-storage.ts"
import { databaseName, decodeGroups, folderName, GROUPS, keyOfDatabase, readAll, toLogError } from "./idb-format.ts"
import {
  isForbidden,
  logDirectoryOf,
  moveLogDirectory,
  openExisting,
  readDirectories,
  readMovedMs,
  requestDone,
} from "./log-directory.ts"

// What may be asked of a log that is not open.

/** Deletes all that is stored for `key`. The owner closes an open log first. @throws LOG_FAILED */
export async function deleteBrowserLog(key: string, storage: BrowserStorage = browserStorage()): Promise<void> {
  try {
    const { indexedDB } = storage
    const directory = indexedDB === null ? key : await logDirectoryOf(indexedDB, key)
    if (indexedDB !== null) await requestDone(indexedDB.deleteDatabase(databaseName(directory)))
    await storage.removeFiles(folderName(directory))
  } catch (error) {
    throw toLogError(error)
  }
}

/** Whether anything was ever stored for `key`. Creates nothing. @throws LOG_FAILED */
export async function hasBrowserLog(key: string, storage: BrowserStorage = browserStorage()): Promise<boolean> {
  if (storage.indexedDB === null) return false
  try {
    const db = await openExisting(storage.indexedDB, databaseName(await logDirectoryOf(storage.indexedDB, key)))
    if (db === null) return false
    try {
      return (await requestDone(db.transaction(GROUPS).objectStore(GROUPS).count())) > 0
    } finally {
      db.close()
    }
  } catch (error) {
    throw toLogError(error)
  }
}

/** The keys of all logs that are stored. @throws LOG_FAILED */
export async function storedBrowserKeys({ indexedDB } = browserStorage()): Promise<readonly string[]> {
  if (indexedDB === null) return []
  try {
    const databases = await indexedDB.databases()
    const stored = databases.flatMap(({ name = "" }) => keyOfDatabase(name) ?? [])
    return keysOf(stored, await readDirectories(indexedDB))
  } catch (error) {
    if (isForbidden(error)) return []
    throw toLogError(error)
  }
}

/** The records stored for `key`. Reads only: an owner that has the log open goes on. @throws LOG_CORRUPT LOG_FAILED */
export async function readBrowserRecords(
  key: string,
  storage: BrowserStorage = browserStorage(),
): Promise<LogRecord[]> {
  if (storage.indexedDB === null) return []
  try {
    const db = await openExisting(storage.indexedDB, databaseName(await logDirectoryOf(storage.indexedDB, key)))
    if (db === null) return []
    try {
      return decodeGroups(await readAll(db, "readonly"))
    } finally {
      db.close()
    }
  } catch (error) {
    const failure = toLogError(error)
    // Nothing was ever stored.
    if (failure.code === "LOG_FULL") return []
    throw failure
  }
}

/** Gives all that is kept for `from` to `to`, for which nothing is: whole or not at all, at every crash point. @throws LOG_FULL LOG_FAILED */
export async function moveBrowserLog(
  from: string,
  to: string,
  storage: BrowserStorage = browserStorage(),
): Promise<void> {
  if (storage.indexedDB === null) return
  await deleteBrowserLog(to, storage)
  try {
    await moveLogDirectory(storage.indexedDB, from, to)
  } catch (error) {
    throw toLogError(error)
  }
}

/** When a log was last moved away from `key`. */
export async function movedMsOf(key: string, storage: BrowserStorage = browserStorage()): Promise<number | null> {
  if (storage.indexedDB === null) return null
  try {
    return await readMovedMs(storage.indexedDB, key)
  } catch (error) {
    if (isForbidden(error)) return null
    throw toLogError(error)
  }
}
