import { isLfError, LfError } from "@lf/core"
import {
  type Checkpoint,
  decodeLogHeader,
  decodeRecords,
  encodeLogHeader,
  type LogHeader,
  type LogRecord,
  sha256Hex,
} from "@lf/core/internal"
import { errorName } from "./browser-storage.ts"
import { requestDone, transactionDone } from "./log-directory.ts"
import { type CheckpointFiles, checkpointFrom, readPages, removeOtherPages } from "./opfs-checkpoint.ts"

// One database per log. Store `groups`: 1, 2, 3 … -> one append group; after a rollup 1 holds the live records.
// Store `meta`: "header" -> as core's log-header.ts has it; "fence" -> how often the log was opened; "file" -> the name of the
// checkpoint's file in OPFS, or "pages" -> its pages where there is none. Values are kept or lost as a whole, so a damaged one is never a torn tail.

const FORMAT = 1
export const GROUPS = "groups"
export const META = "meta"
const FULL = "this device has no room left for the site; what was kept before is still there"

export interface Opened {
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

/** Reads everything at rest in one transaction, which also raises the fence. A full disk can still be read. */
export async function recover(db: IDBDatabase): Promise<Opened> {
  try {
    return await readAll(db, "readwrite")
  } catch (error) {
    if (!isQuota(error)) throw error
    return await readAll(db, "readonly")
  }
}

export async function readAll(db: IDBDatabase, mode: "readwrite" | "readonly"): Promise<Opened> {
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

export function decodeGroups({ groups, groupKeys, header }: Opened): LogRecord[] {
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

export async function loadCheckpoint(opened: Opened, files: CheckpointFiles | null): Promise<Checkpoint | null> {
  const { header, pages, file, fence } = opened
  if (header.checkpoint === null) return null
  if (pages !== undefined || files === null || file === undefined) return checkpointFrom(header.checkpoint, pages)
  const checkpoint = checkpointFrom(header.checkpoint, await readPages(files, file))
  await removeOtherPages(files, fence, [file])
  return checkpoint
}

export function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  const request = factory.open(name, FORMAT)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(GROUPS)
    request.result.createObjectStore(META)
  }
  return requestDone(request)
}

const DATABASE = "lf/1/"
/** As `storageKey` makes them: the site may have databases with other names of ours. */
const KEY = /^(anonymous|user|claimed)\//

export function databaseName(key: string): string {
  return `${DATABASE}${key}`
}

/** Null: a database that is no log. */
export function keyOfDatabase(name: string): string | null {
  const key = name.slice(DATABASE.length)
  return name.startsWith(DATABASE) && KEY.test(key) ? key : null
}

/** Any key as a name of fixed length, distinct also where file names are case-insensitive. */
export function folderName(key: string): string {
  return sha256Hex(new TextEncoder().encode(key))
}

export function isQuota(error: unknown): boolean {
  return errorName(error) === "QuotaExceededError"
}

export function toLogError(error: unknown): LfError {
  if (isLfError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  // The browser's own message is empty.
  if (isQuota(error)) return new LfError("LOG_FULL", FULL, { cause: error })
  if (errorName(error) === "VersionError") return new LfError("LOG_FORMAT_NEWER", message, { cause: error })
  return new LfError("LOG_FAILED", message, { cause: error })
}
