import { LfError } from "@lf/core"
import { DocumentAtRest, type DocumentStore, Remote, type ServedDocument } from "@lf/core/internal"
import { nodeFsCalls } from "../node/fs-calls.ts"
import { publish, writePages } from "../node/generation.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { newToken } from "../node/owner-lock.ts"
import { openAtRest } from "./stored-documents.ts"

const PAGE_BYTES = 4096

export interface ExportOptions {
  /** A data directory, or where else documents are. */
  readonly from: DocumentStore
  readonly docId: string
  /** Path of the SQLite file. */
  readonly file: string
  /** Whether an existing file is replaced. Default: it stays, and nothing is exported. */
  readonly existing?: "keep" | "replace"
}

/**
 * Writes the app's own tables of a document as one SQLite file, also while a server has it open. `backupDocument` makes the
 * faithful copy: what is exported cannot be restored.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND BACKUP_EXISTS LOG_CORRUPT LOG_FAILED LOG_FORMAT_NEWER
 */
export async function exportDocument(options: ExportOptions): Promise<{ readonly pageCount: number }> {
  const { from, docId, file, existing = "keep" } = options
  if (existing === "keep" && (await nodeFsCalls.exists(file)))
    throw new LfError("BACKUP_EXISTS", `${file} is there already`)
  const document = await openAtRest(from, docId)
  try {
    const pages = document.plainPages()
    const temporary = `${file}.${newToken()}.tmp`
    try {
      await writePages(temporary, pages, nodeFsCalls)
      await publish(temporary, file, nodeFsCalls)
    } catch (error) {
      await nodeFsCalls.remove(temporary)
      throw error
    }
    return { pageCount: pages.length }
  } finally {
    document.close()
  }
}

/** The same of an open document, as bytes; of one that another server owns, as the store has it. */
export async function exportServed(
  served: ServedDocument,
  { from, docId }: { readonly from: DocumentStore; readonly docId: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const document =
    served instanceof Remote ? new DocumentAtRest(await loadSqlite(), [...served.pages]) : await openAtRest(from, docId)
  try {
    const pages = document.plainPages()
    const bytes = new Uint8Array(pages.length * PAGE_BYTES)
    pages.forEach((page, i) => {
      bytes.set(page, i * PAGE_BYTES)
    })
    return bytes
  } finally {
    document.close()
  }
}
