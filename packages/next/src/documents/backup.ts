import { stat } from "node:fs/promises"
import { LfError } from "@lf/core"
import { checkDocId, type DocumentStore } from "@lf/core/internal"
import { errnoOf, nodeFsCalls } from "../node/fs-calls.ts"
import { publish, writePages } from "../node/generation.ts"
import { newToken } from "../node/owner-lock.ts"
import { readPages } from "./stored-documents.ts"

export interface BackupOptions {
  /** A data directory, or where else documents are. */
  readonly from: DocumentStore
  readonly docId: string
  /** Path of the copy. */
  readonly file: string
  /** Whether an existing file is replaced. Default: it stays, and no backup is made. */
  readonly existing?: "keep" | "replace"
}

/**
 * Writes a document as one SQLite file, as it was at one moment, also while a server has it open: takes no lock and does
 * not affect the server. The file gets its name only when it is whole and durable; only its owner can read it.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND BACKUP_EXISTS LOG_CORRUPT LOG_FAILED LOG_FORMAT_NEWER
 */
export async function backupDocument(options: BackupOptions): Promise<{ readonly pageCount: number }> {
  const { from, docId, file: path, existing = "keep" } = options
  checkDocId(docId)
  if (existing === "keep" && (await isThere(path))) throw new LfError("BACKUP_EXISTS", `${path} is there already`)
  const pages = await readPages(from, docId)
  // Two backups to one name at the same time must not write into one file.
  const temporary = `${path}.${newToken()}.tmp`
  try {
    await writePages(temporary, pages, nodeFsCalls)
    await publish(temporary, path, nodeFsCalls)
  } catch (error) {
    await nodeFsCalls.remove(temporary)
    throw error
  }
  return { pageCount: pages.length }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false
    throw error
  }
}
