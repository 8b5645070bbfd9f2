import { isLfError, LfError } from "@lf/core"
import {
  type Checkpoint,
  type DocumentLog,
  decodeLogHeader,
  decodeRecords,
  encodeGroup,
  encodeLogHeader,
  type LogHeader,
  type LogRecord,
  loadChecksum,
  type OpenedLog,
  openMemoryLog,
  pagesChecksum,
  sha256Hex,
} from "@lf/core/internal"
import { type BrowserStorage, browserStorage, errorName } from "./browser-storage.ts"
import {
  isForbidden,
  logDirectoryOf,
  moveLogDirectory,
  openExisting,
  readMovedMs,
  requestDone,
  transactionDone,
} from "./log-directory.ts"
import {
  type CheckpointFiles,
  checkpointFrom,
  joinPages,
  pagesFileName,
  readPages,
  removeOtherPages,
  writePages,
} from "./opfs-checkpoint.ts"

export { type BrowserStorage, browserStorage } from "./browser-storage.ts"

// One database per log. Store `groups`: 1, 2, 3 … -> one append group; after a rollup 1 holds the live records.
// Store `meta`: "header" -> as core's log-header.ts has it; "fence" -> how often the log was opened; "file" -> the name of the
// checkpoint's file in OPFS, or "pages" -> its pages where there is none. Values are kept or lost as a whole, so a damaged one is never a torn tail.

const FORMAT = 1
const GROUPS = "groups"
const META = "meta"
const FULL = "this device has no room left for the site; what was kept before is still there"

interface Opened {
  readonly db: IDBDatabase
  readonly header: LogHeader
  /** How often the log was opened, this time included. */
  readonly fence: number
  /** There was no room to write the fence: it is raised together with the first write that fits. */
  readonly isFenceDue: boolean
  readonly groups: readonly Uint8Array[]
  readonly groupKeys: readonly IDBValidKey[]
  readonly pages: Uint8Array | undefined
  /** The file with the checkpoint's pages. */
  readonly file: string | undefined
}

/**
 * Opens the log of `key`, a text that identifies user and document. A later opener deposes an earlier one; the caller's
 * Web Lock decides who may open. A checkpoint whose pages are missing or damaged is returned with none of them.
 * Without storage the log is in memory and says so.
 * @throws LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_FULL, LOG_FAILED
 */
export async function openBrowserLog(options: { key: string; storage: BrowserStorage }): Promise<OpenedLog> {
  await loadChecksum()
  const { key, storage } = options
  if (storage.indexedDB === null) return openMemoryLog()
  let db: IDBDatabase
  let directory: string
  try {
    directory = await logDirectoryOf(storage.indexedDB, key)
    db = await openDatabase(storage.indexedDB, databaseName(directory))
  } catch (error) {
    if (isForbidden(error)) return openMemoryLog()
    throw toLogError(error)
  }
  try {
    const opened = await recover(db)
    const records = decodeGroups(opened)
    const files = await storage.files(folderName(directory))
    const checkpoint = await loadCheckpoint(opened, files)
    return { log: new IdbLog(opened, files), checkpoint, records }
  } catch (error) {
    db.close()
    throw toLogError(error)
  }
}

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

class IdbLog implements DocumentLog {
  readonly isDurable = true
  readonly #db: IDBDatabase
  readonly #files: CheckpointFiles | null
  readonly #fence: number
  #isFenceDue: boolean
  #generation: number
  #nextGroup: number
  #file: string | undefined
  #ended: LfError | null = null
  #onEnd: (error: LfError) => void = () => {}

  constructor(opened: Opened, files: CheckpointFiles | null) {
    this.#db = opened.db
    this.#files = files
    this.#fence = opened.fence
    this.#isFenceDue = opened.isFenceDue
    this.#generation = opened.header.generation
    this.#nextGroup = opened.groups.length + 1
    this.#file = opened.file
    // Another connection deletes the log or upgrades its format: it waits until this connection is closed.
    this.#db.onversionchange = () => {
      this.#db.close()
      this.#lose(new LfError("LOG_DEPOSED", "the log is deleted, or opened by a newer version of the app"))
    }
    // The browser closed it, as when the user clears the site's data.
    this.#db.onclose = () => this.#lose(new LfError("LOG_FAILED", "the browser closed the database"))
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      if (records.length === 0) return
      const group = encodeGroup(this.#generation, records)
      await this.#transact((groups) => groups.add(group, this.#nextGroup))
      this.#nextGroup++
    })
  }

  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      const generation = this.#generation + 1
      const group = encodeGroup(generation, live)
      const { meta, pages } = checkpoint
      const stamp = { meta, pageCount: pages.length, pagesChecksum: pagesChecksum(pages) }
      const header = encodeLogHeader({ generation, checkpoint: stamp, liveBytes: group.length })
      // A deposed owner writes nothing.
      await this.#transact(() => {})
      const file = await this.#writeFile(generation, pages)
      // The commit point.
      await this.#transact((groups, metaStore) => {
        groups.clear()
        groups.add(group, 1)
        metaStore.put(header, "header")
        metaStore.delete(file === null ? "file" : "pages")
        if (file === null) metaStore.put(joinPages(pages), "pages")
        else metaStore.put(file, "file")
      })
      const needed = [this.#file, file].filter((name) => typeof name === "string")
      this.#generation = generation
      this.#nextGroup = 2
      this.#file = file ?? undefined
      // The previous file stays until the new one was opened once.
      if (this.#files !== null) await removeOtherPages(this.#files, this.#fence, needed)
    })
  }

  async close(): Promise<void> {
    this.#end(new LfError("LOG_CLOSED", "the log was closed"))
    this.#db.close()
  }

  /** Where they are; null when the pages must go into IndexedDB. */
  async #writeFile(generation: number, pages: readonly Uint8Array[]): Promise<string | null> {
    if (this.#files === null) return null
    const name = pagesFileName(generation, this.#fence)
    try {
      await writePages(this.#files, name, pages)
      return name
    } catch (error) {
      if (isQuota(error)) throw error
      return null
    }
  }

  /**
   * One transaction, refused when a later opener raised the fence (I14). Durable when it resolves. What is written is asked
   * for together with the fence, so that it costs one trip to the browser's storage, and undone if the fence differs.
   */
  #transact(write: (groups: IDBObjectStore, meta: IDBObjectStore) => void): Promise<void> {
    const transaction = this.#db.transaction([GROUPS, META], "readwrite", { durability: "strict" })
    const groups = transaction.objectStore(GROUPS)
    const meta = transaction.objectStore(META)
    const expected = this.#isFenceDue ? this.#fence - 1 : this.#fence
    let refusal: unknown
    const fence = meta.get("fence")
    fence.onsuccess = () => {
      if (fence.result === expected) transaction.commit()
      else {
        refusal = new LfError("LOG_DEPOSED", "the log was opened elsewhere")
        transaction.abort()
      }
    }
    const done = transactionDone(transaction)
    try {
      if (this.#isFenceDue) meta.put(this.#fence, "fence")
      write(groups, meta)
    } catch (error) {
      refusal = error
      transaction.abort()
    }
    return done.then(
      () => {
        this.#isFenceDue = false
      },
      (error) => {
        throw refusal ?? error
      },
    )
  }

  watch(onEnd: (error: LfError) => void): void {
    this.#onEnd = onEnd
  }

  #lose(error: LfError): void {
    if (this.#ended !== null) return
    this.#end(error)
    this.#onEnd(error)
  }

  #end(error: LfError): void {
    this.#ended ??= error
  }

  /** After an error nothing is retried: what was stored is known only after reopening (T19). */
  async #guard(run: () => Promise<void>): Promise<void> {
    if (this.#ended !== null) throw this.#ended
    try {
      await run()
    } catch (error) {
      this.#end(toLogError(error))
      throw this.#ended
    }
  }
}

/** Reads everything at rest in one transaction, which also raises the fence. A full disk can still be read. */
async function recover(db: IDBDatabase): Promise<Opened> {
  try {
    return await readAll(db, "readwrite")
  } catch (error) {
    if (!isQuota(error)) throw error
    return await readAll(db, "readonly")
  }
}

async function readAll(db: IDBDatabase, mode: "readwrite" | "readonly"): Promise<Opened> {
  const transaction = db.transaction([GROUPS, META], mode, { durability: "strict" })
  const groups = transaction.objectStore(GROUPS)
  const meta = transaction.objectStore(META)
  const all = groups.getAll()
  const keys = groups.getAllKeys()
  const [header, fence] = [meta.get("header"), meta.get("fence")]
  const [file, pages] = [meta.get("file"), meta.get("pages")]
  const fresh: LogHeader = { generation: 1, checkpoint: null, liveBytes: 0 }
  let raised = 1
  // The last request: the earlier ones have their results by then.
  pages.onsuccess = () => {
    raised = Number(fence.result ?? 0) + 1
    if (mode === "readonly") return
    meta.put(raised, "fence")
    if (header.result === undefined && fence.result === undefined) meta.put(encodeLogHeader(fresh), "header")
  }
  await transactionDone(transaction)
  if (header.result === undefined && mode === "readonly") throw new LfError("LOG_FULL", FULL)
  if (header.result === undefined && raised > 1) throw new LfError("LOG_CORRUPT", "the log's header is missing")
  return {
    db,
    header: header.result === undefined ? fresh : decodeLogHeader(header.result).header,
    fence: raised,
    isFenceDue: mode === "readonly",
    groups: all.result,
    groupKeys: keys.result,
    pages: pages.result,
    file: file.result,
  }
}

function decodeGroups({ groups, groupKeys, header }: Opened): LogRecord[] {
  if (header.checkpoint !== null && groups.length === 0)
    throw new LfError("LOG_CORRUPT", "the live records are missing")
  return groups.flatMap((group, i) => {
    if (groupKeys[i] !== i + 1) throw new LfError("LOG_CORRUPT", `append group ${i + 1} is missing`)
    const { records, goodBytes } = decodeRecords(group, header.generation)
    if (goodBytes !== group.length || goodBytes === 0)
      throw new LfError("LOG_CORRUPT", `append group ${i + 1} is damaged`)
    return records
  })
}

async function loadCheckpoint(opened: Opened, files: CheckpointFiles | null): Promise<Checkpoint | null> {
  const { header, pages, file, fence } = opened
  if (header.checkpoint === null) return null
  if (pages !== undefined || files === null || file === undefined) return checkpointFrom(header.checkpoint, pages)
  const checkpoint = checkpointFrom(header.checkpoint, await readPages(files, file))
  await removeOtherPages(files, fence, [file])
  return checkpoint
}

function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  const request = factory.open(name, FORMAT)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(GROUPS)
    request.result.createObjectStore(META)
  }
  return requestDone(request)
}

function databaseName(key: string): string {
  return `lf/1/${key}`
}

/** Any key as a name of fixed length, distinct also where file names are case-insensitive. */
function folderName(key: string): string {
  return sha256Hex(new TextEncoder().encode(key))
}

function isQuota(error: unknown): boolean {
  return errorName(error) === "QuotaExceededError"
}

function toLogError(error: unknown): LfError {
  if (isLfError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  // The browser's own message is empty.
  if (isQuota(error)) return new LfError("LOG_FULL", FULL, { cause: error })
  if (errorName(error) === "VersionError") return new LfError("LOG_FORMAT_NEWER", message, { cause: error })
  return new LfError("LOG_FAILED", message, { cause: error })
}
