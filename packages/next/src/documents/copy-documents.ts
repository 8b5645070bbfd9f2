import { LfError } from "@lf/core"
import {
  type DocumentStore,
  loadChecksum,
  type OpenedLog,
  pagesAtRest,
  pagesChecksum,
  type StoredLog,
} from "@lf/core/internal"
import { nodeHost } from "../node/node-host.ts"

export interface Copied {
  /** Documents that were written now. */
  readonly copied: number
  /** Documents that had something in the other store already, and were left. */
  readonly left: number
}

/**
 * Copies every document with all that its clients need to go on: they notice nothing. No server may use `from`. A second call
 * goes on where the first one ended: each document is written in one step.
 * @throws SERVER_DIRECTORY_OWNED LOG_OWNED LOG_CORRUPT LOG_FORMAT_NEWER LOG_FULL LOG_FAILED
 */
export async function copyDocuments(options: {
  readonly from: DocumentStore
  readonly to: DocumentStore
  readonly onProgress?: (done: number, all: number) => void
}): Promise<Copied> {
  const { from, to, onProgress = () => {} } = options
  await loadChecksum()
  await from.begin()
  await to.begin()
  const documents = await from.list()
  let copied = 0
  for (const [i, { docId }] of documents.entries()) {
    if (await copyDocument(from, to, docId)) copied++
    onProgress(i + 1, documents.length)
  }
  return { copied, left: documents.length - copied }
}

/** False: there was something already. */
async function copyDocument(from: DocumentStore, to: DocumentStore, docId: string): Promise<boolean> {
  const stored = await from.read(docId)
  // It was deleted meanwhile, or never written to.
  if (stored === null) return false
  const opened = await to.open(docId)
  if (opened.checkpoint !== null || opened.records.length > 0) {
    await opened.log.close()
    return false
  }
  await write(opened, stored)
  await compare(to, docId, stored)
  return true
}

/** Puts `stored` in the place of all that a document has, in one step. @throws LOG_OWNED LOG_CORRUPT LOG_FAILED LOG_FULL */
export async function replaceDocument(store: DocumentStore, docId: string, stored: StoredLog): Promise<void> {
  await write(await store.open(docId), stored)
  await compare(store, docId, stored)
}

async function write({ log }: OpenedLog, { checkpoint, records }: StoredLog): Promise<void> {
  try {
    await log.rollup(checkpoint ?? { meta: new Uint8Array(0), pages: [] }, records)
  } finally {
    await log.close()
  }
}

async function compare(store: DocumentStore, docId: string, stored: StoredLog): Promise<void> {
  const written = await store.read(docId)
  if (written === null || checksumOf(written) !== checksumOf(stored))
    throw new LfError("LOG_CORRUPT", `the copy of ${docId} in ${store.name} differs; delete it there and try again`)
}

function checksumOf(stored: StoredLog): bigint {
  return pagesChecksum(pagesAtRest(stored, nodeHost))
}
