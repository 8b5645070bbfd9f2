import { readdir, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { isDocId } from "@lf/core"
import { checkDocId } from "@lf/core/internal"
import { errnoOf, nodeFsCalls } from "../node/fs-calls.ts"
import { newToken } from "../node/owner-lock.ts"

/**
 * A document's directory: `<dataDir>/docs/<id>`, each upper-case letter as `=` and its lower-case hex code, because "a"
 * and "A" are two documents and on many disks one directory. Every other character of an id stands for itself.
 * @throws DOC_ID_INVALID
 */
export function docDirectory(dataDir: string, docId: string): string {
  const name = checkDocId(docId).replaceAll(/[A-Z]/g, (letter) => `=${letter.charCodeAt(0).toString(16)}`)
  return join(dataDir, "docs", name)
}

/** The id of the document whose directory has this name; null: no document's. */
export function docIdOf(name: string): string | null {
  const docId = name.replaceAll(/=([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return isDocId(docId) ? docId : null
}

/** Whether a log or a database exists there; reads only. */
export async function isStored(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory)
    return names.some((name) => /^(log|main)-/.test(name) && !name.endsWith(".tmp"))
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false
    throw error
  }
}

/** Removes a document's directory: in one durable step it is no document's any more, then its files go. */
export async function removeDirectory(directory: string): Promise<void> {
  // No document id has a dot. What a crash leaves here, the next call removes.
  const gone = `${directory}.deleted-${newToken()}`
  await nodeFsCalls.rename(directory, gone)
  const docs = dirname(directory)
  await nodeFsCalls.syncDirectory(docs)
  const names = await readdir(docs)
  await Promise.all(
    names
      .filter((name) => name.includes(".deleted-"))
      .map((name) => rm(join(docs, name), { recursive: true, force: true })),
  )
}
