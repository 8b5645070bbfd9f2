import { LfError } from "@lf/core"
import {
  type Checkpoint,
  type DocumentLog,
  encodeGroup,
  encodeLogHeader,
  type LogRecord,
  loadChecksum,
  type OpenedLog,
  openMemoryLog,
  pagesChecksum,
} from "@lf/core/internal"
import type { BrowserStorage } from "./browser-storage.ts"
import {
  databaseName,
  decodeGroups,
  folderName,
  GROUPS,
  isQuota,
  loadCheckpoint,
  META,
  type Opened,
  openDatabase,
  recover,
  toLogError,
} from "./idb-format.ts"
import { isForbidden, logDirectoryOf, transactionDone } from "./log-directory.ts"
import { type CheckpointFiles, joinPages, pagesFileName, removeOtherPages, writePages } from "./opfs-checkpoint.ts"

/**
 * Opens the log of `key`, a text that identifies user and document. A later opener deposes an earlier one; the caller's
 * Web Lock decides who may open. A checkpoint whose pages are missing or damaged is returned with none of them.
 * Without storage the log is in memory and says so; one that is gone with a private window says so too.
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
    const [files, isPrivate] = await Promise.all([storage.files(folderName(directory)), storage.isPrivate()])
    const checkpoint = await loadCheckpoint(opened, files)
    return { log: new IdbLog(opened, { files, isDurable: !isPrivate }), checkpoint, records }
  } catch (error) {
    db.close()
    throw toLogError(error)
  }
}

/** Pages of a checkpoint that are written, but not named by the header yet. */
interface Prepared {
  readonly pages: readonly Uint8Array[]
  readonly checksum: bigint
  /** Where they are; null when they must go into IndexedDB. */
  readonly file: string | null
}

class IdbLog implements DocumentLog {
  readonly isDurable: boolean
  readonly #db: IDBDatabase
  readonly #files: CheckpointFiles | null
  readonly #fence: number
  #isFenceDue: boolean
  #generation: number
  #nextGroup: number
  #file: string | undefined
  /** Pages that are written already, for the rollup that comes. */
  #prepared: Prepared | null = null
  /** A file that is being written; it never rejects. */
  #writing: Promise<unknown> = Promise.resolve()
  #ended: LfError | null = null
  #onEnd: (error: LfError) => void = () => {}

  constructor(opened: Opened, { files, isDurable }: { files: CheckpointFiles | null; isDurable: boolean }) {
    this.isDurable = isDurable
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

  prepare(pages: readonly Uint8Array[]): Promise<void> {
    return this.#guard(async () => {
      // Two writes at once must not both raise the fence.
      if (!this.#isFenceDue) this.#prepared = await this.#write(pages)
    })
  }

  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#guard(async () => {
      const generation = this.#generation + 1
      const group = encodeGroup(generation, live)
      const { meta, pages } = checkpoint
      const prepared = this.#prepared?.pages === pages ? this.#prepared : await this.#write(pages)
      this.#prepared = null
      const { file } = prepared
      const stamp = { meta, pageCount: pages.length, pagesChecksum: prepared.checksum }
      const header = encodeLogHeader({ generation, checkpoint: stamp, liveBytes: group.length })
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
    // A file that is still written could not be deleted.
    await this.#writing
    this.#db.close()
  }

  /** Writes the pages of the next generation beside what is there. A deposed owner writes nothing. */
  async #write(pages: readonly Uint8Array[]): Promise<Prepared> {
    await this.#transact(() => {})
    const writing = this.#writeFile(this.#generation + 1, pages)
    this.#writing = writing.catch(() => {})
    return { pages, checksum: pagesChecksum(pages), file: await writing }
  }

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
