import { rm } from "node:fs/promises"
import { dirname } from "node:path"
import { LfError } from "@lf/core"
import { type DocumentCopy, loadChecksum, readCopy, restoreCopy } from "@lf/core/internal"
import { errnoOf, nodeFsCalls } from "../node/fs-calls.ts"
import { acquireDirectory, openFsLog } from "../node/fs-log.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { acquireLock } from "../node/owner-lock.ts"
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
  /** Path of the document that was there before; null: there was none. */
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
  const keptAt = `${directory}.before-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`
  await nodeFsCalls.rename(directory, keptAt)
  return keptAt
}
