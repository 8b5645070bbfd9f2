import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { LfError } from "@lf/core"
import { DocumentAtRest, type DocumentStore, loadChecksum, pagesAtRest, type StoredDocument } from "@lf/core/internal"
import { errnoOf } from "../node/fs-calls.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { docIdOf, isStored } from "./document-directory.ts"

/** The documents of a data directory, by id; null: it is none. Takes no lock and opens nothing. @throws LOG_FAILED */
export async function listDocuments(dataDir: string): Promise<StoredDocument[] | null> {
  const names = await namesIn(join(dataDir, "docs"))
  if (names === null) return null
  const found = await Promise.all(names.map((name) => storedAt(dataDir, name)))
  return found.filter((one) => one !== null).sort((a, b) => (a.docId < b.docId ? -1 : 1))
}

/** Makes nothing, unlike what opens or locks a directory. @throws LOG_FAILED where servers have kept no documents */
export async function checkDataDirectory(dataDir: string): Promise<void> {
  const names = await namesIn(dataDir)
  if (names?.some((name) => name === "docs" || name === "owner.lock")) return
  const what = names === null ? "is no existing directory" : "has no documents of lf"
  throw new LfError("LOG_FAILED", `expected a data directory, got ${dataDir}, which ${what}: set --data or LF_DATA_DIR`)
}

/**
 * A document as it is at rest, also while a server has it open. The caller closes it.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND LOG_CORRUPT LOG_FAILED LOG_FORMAT_NEWER
 */
export async function openAtRest(store: Pick<DocumentStore, "name" | "read">, docId: string): Promise<DocumentAtRest> {
  return new DocumentAtRest(await loadSqlite(), await readPages(store, docId))
}

/** At least one. @throws as `openAtRest` */
export async function readPages(
  store: Pick<DocumentStore, "name" | "read">,
  docId: string,
): Promise<readonly Uint8Array[]> {
  await loadChecksum()
  const stored = await store.read(docId)
  const pages = stored === null ? [] : pagesAtRest(stored, nodeHost)
  if (pages.length === 0) throw new LfError("DOC_NOT_FOUND", `there is no document ${docId} in ${store.name}`)
  return pages
}

/** Null: no document's directory, such as one that a restore put aside. */
async function storedAt(dataDir: string, name: string): Promise<StoredDocument | null> {
  const docId = docIdOf(name)
  const directory = join(dataDir, "docs", name)
  if (docId === null || !(await isStored(directory))) return null
  const files = await Promise.all(((await namesIn(directory)) ?? []).map((file) => statOf(join(directory, file))))
  const bytes = files.reduce((sum, file) => sum + (file?.size ?? 0), 0)
  const changedMs = Math.max(0, ...files.map((file) => file?.mtimeMs ?? 0))
  return { docId, bytes, changedAt: new Date(changedMs) }
}

/** Null where there is none any more: a server that runs makes and removes files. */
async function statOf(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null
    throw error
  }
}

export async function namesIn(directory: string): Promise<string[] | null> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null
    throw error
  }
}
