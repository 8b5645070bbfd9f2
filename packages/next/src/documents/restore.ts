import { rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { LfError } from "@lf/core"
import {
  type DocumentCopy,
  type DocumentStore,
  loadChecksum,
  MemoryDisk,
  readCopy,
  restoreCopy,
} from "@lf/core/internal"
import { errnoOf, nodeFsCalls } from "../node/fs-calls.ts"
import { acquireDirectory, openFsLog } from "../node/fs-log.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { acquireLock } from "../node/owner-lock.ts"
import { backupDocument } from "./backup.ts"
import { replaceDocument } from "./copy-documents.ts"
import { docDirectory } from "./document-directory.ts"

export interface RestoreOptions {
  readonly dataDir: string
  readonly docId: string
  /** A SQLite file, as `backupDocument` writes it. */
  readonly file: string
}

export interface Restored {
  readonly pageCount: number
  readonly epoch: string
  /** Path of the document that was there before, or of its backup; null: there was none. */
  readonly keptAt: string | null
}

/**
 * Makes a file the content of a document, under a new epoch: clients take its pages, drop their own, and send pending
 * mutations that it does not have (T2). The previous document is kept beside it. Nothing in use changes before the
 * last step.
 * @throws DOC_ID_INVALID BACKUP_INVALID SERVER_DIRECTORY_OWNED LOG_OWNED LOG_FAILED LOG_FULL
 */
export async function restoreDocument({ dataDir, docId, file }: RestoreOptions): Promise<Restored> {
  const directory = docDirectory(dataDir, docId)
  const copy = await readFile(file)
  const lock = await acquireDirectory(dataDir)
  try {
    // No document id has a dot, so these names are no document's.
    const made = `${directory}.restoring`
    await rm(made, { recursive: true, force: true })
    const { epoch } = await restoreCopy(await openFsLog(made), copy, nodeHost)
    const keptAt = await putAside(directory)
    try {
      await nodeFsCalls.rename(made, directory)
    } catch (error) {
      if (keptAt !== null) await nodeFsCalls.rename(keptAt, directory)
      throw error
    }
    await nodeFsCalls.syncDirectory(dirname(directory))
    return { pageCount: copy.pages.length, epoch, keptAt }
  } finally {
    await lock.release()
  }
}

/**
 * The same in a store that servers share, while none of them has the document open. What was there before is backed up to a file in
 * `keepIn`, and replaced in one step.
 * @throws DOC_ID_INVALID BACKUP_INVALID LOG_OWNED LOG_FAILED LOG_FULL
 */
export async function restoreInto(options: {
  readonly store: DocumentStore
  readonly docId: string
  readonly file: string
  readonly keepIn: string
}): Promise<Restored> {
  const { store, docId, file, keepIn } = options
  const copy = await readFile(file)
  const disk = new MemoryDisk()
  const { epoch } = await restoreCopy(await disk.open(docId), copy, nodeHost)
  await store.begin()
  const before = (await store.has(docId)) ? join(keepIn, `${docId}${beforeNow()}.db`) : null
  const keptAt = before !== null && (await hasPages(store, docId, before)) ? before : null
  await replaceDocument(store, docId, await disk.open(docId))
  return { pageCount: copy.pages.length, epoch, keptAt }
}

/** Backs a document up; false: it was made and never written. */
async function hasPages(store: DocumentStore, docId: string, file: string): Promise<boolean> {
  try {
    await backupDocument({ from: store, docId, file })
    return true
  } catch (error) {
    if (error instanceof LfError && error.code === "DOC_NOT_FOUND") return false
    throw error
  }
}

function beforeNow(): string {
  return `.before-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`
}

async function readFile(file: string): Promise<DocumentCopy> {
  await loadChecksum()
  const bytes = await nodeFsCalls.read(file).catch((cause: Error) => {
    throw new LfError("BACKUP_INVALID", `the file cannot be read: ${cause.message}`, { cause })
  })
  return readCopy(await loadSqlite(), bytes)
}

/** Renames the previous document. @throws LOG_OWNED while a script without the data directory's lock has it open */
async function putAside(directory: string): Promise<string | null> {
  const lock = await acquireLock(directory, "LOG_OWNED", nodeFsCalls).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return null
    throw error
  })
  if (lock === null) return null
  await lock.release()
  const keptAt = `${directory}${beforeNow()}`
  await nodeFsCalls.rename(directory, keptAt)
  return keptAt
}
