import { LfError } from "@lf/core"
import {
  type DocumentStore,
  encodeGroup,
  loadChecksum,
  type OpenedLog,
  pagesAtRest,
  type StoredLog,
} from "@lf/core/internal"
import { nodeHost } from "../node/node-host.ts"

export interface CopyOptions {
  readonly from: DocumentStore
  readonly to: DocumentStore
  /** Default: all. */
  readonly docIds?: readonly string[] | undefined
  /** What becomes of documents in `to` that `from` does not have. Default: they stay. */
  readonly others?: "stay" | "refuse"
  readonly onProgress?: (done: number, all: number) => void
}

export interface Copied {
  /** Documents that were written now. */
  readonly copied: number
  /** Documents that the other store had already, and that are the same. */
  readonly left: number
}

/**
 * Copies documents with all that their clients need to go on: they notice nothing. No server may use `from`. Nothing is copied when
 * a document of `docIds` is missing, or differs from the one in `to`. A second call goes on where the first one ended: each document
 * is written in one step.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND SERVER_DIRECTORY_OWNED LOG_OWNED LOG_CORRUPT LOG_FORMAT_NEWER LOG_FULL LOG_FAILED
 */
export async function copyDocuments(options: CopyOptions): Promise<Copied> {
  const { from, to, onProgress = () => {} } = options
  await loadChecksum()
  await from.begin()
  const docIds = await chosen(options)
  await to.begin()
  await refuseOthers(options, docIds)
  let copied = 0
  let left = 0
  for (const [i, docId] of [...docIds].entries()) {
    const result = await copyDocument(from, to, docId)
    if (result === "copied") copied++
    if (result === "left") left++
    onProgress(i + 1, docIds.size)
  }
  return { copied, left }
}

/** @throws DOC_ID_INVALID DOC_NOT_FOUND */
async function chosen({ from, docIds }: CopyOptions): Promise<ReadonlySet<string>> {
  const ids = new Set(docIds ?? (await idsIn(from)))
  if (docIds === undefined) return ids
  const missing: string[] = []
  for (const docId of ids) if ((await contentOf(from, docId)) === null) missing.push(docId)
  if (missing.length === 0) return ids
  const each = missing.map((docId) => `no document ${docId}`).join(" and ")
  throw new LfError("DOC_NOT_FOUND", `there is ${each} in ${from.name}; nothing was copied`)
}

/** Before anything is written. @throws LOG_CORRUPT LOG_FAILED */
async function refuseOthers(options: CopyOptions, docIds: ReadonlySet<string>): Promise<void> {
  const { from, to, others = "stay" } = options
  for (const docId of await idsIn(to)) {
    if (others === "stay" && !docIds.has(docId)) continue
    const there = await contentOf(to, docId)
    if (there === null) continue
    const stored = await contentOf(from, docId)
    if (stored !== null) refuseDifferent(stored, there, { from, to, docId })
    else if (others === "refuse")
      throw new LfError(
        "LOG_FAILED",
        `expected no document in ${to.name} that ${from.name} lacks, got ${docId}: name an empty directory`,
      )
  }
}

/** "none": it was deleted meanwhile, or never written to. "left": it was there already. */
async function copyDocument(
  from: DocumentStore,
  to: DocumentStore,
  docId: string,
): Promise<"copied" | "left" | "none"> {
  const seen = await contentOf(from, docId)
  if (seen === null) return "none"
  // A directory is this process's alone. Servers may write into a shared store until the document is open here.
  const held = from.peers === null ? null : await from.open(docId)
  try {
    const stored = held ?? seen
    if (isEmpty(stored)) return "none"
    // Damage is found before it is copied.
    pagesAtRest(stored, nodeHost)
    const opened = await to.open(docId)
    if (isEmpty(opened)) {
      await write(opened, stored)
      await compare(to, docId, stored)
      return "copied"
    }
    await opened.log.close()
    refuseDifferent(stored, opened, { from, to, docId })
    return "left"
  } finally {
    await held?.log.close()
  }
}

/** Puts `stored` in the place of all that a document has, in one step. @throws LOG_OWNED LOG_CORRUPT LOG_FAILED LOG_FULL */
export async function replaceDocument(store: DocumentStore, docId: string, stored: StoredLog): Promise<void> {
  await write(await store.open(docId), stored)
  await compare(store, docId, stored)
}

/** A document that has no checkpoint yet is copied as one that has none. */
async function write(opened: OpenedLog, { checkpoint, records }: StoredLog): Promise<void> {
  const { log } = opened
  try {
    if (checkpoint === null && isEmpty(opened)) await log.append(records)
    else await log.rollup(checkpoint ?? { meta: new Uint8Array(0), pages: [] }, records)
  } finally {
    await log.close()
  }
}

async function compare(store: DocumentStore, docId: string, stored: StoredLog): Promise<void> {
  const written = await store.read(docId)
  if (written === null || !isSame(written, stored))
    throw new LfError("LOG_CORRUPT", `the copy of ${docId} in ${store.name} differs; delete it there and try again`)
}

function refuseDifferent(
  stored: StoredLog,
  there: StoredLog,
  { from, to, docId }: { readonly from: DocumentStore; readonly to: DocumentStore; readonly docId: string },
): void {
  if (isSame(stored, there)) return
  throw new LfError(
    "LOG_CORRUPT",
    `document ${docId} in ${to.name} differs from the one in ${from.name}: keep one, and delete the other with lf delete`,
  )
}

async function idsIn(store: DocumentStore): Promise<string[]> {
  return (await store.list()).map(({ docId }) => docId)
}

/** Null where nothing was written yet, too. */
async function contentOf(store: DocumentStore, docId: string): Promise<StoredLog | null> {
  const stored = await store.read(docId)
  return stored === null || isEmpty(stored) ? null : stored
}

function isEmpty({ checkpoint, records }: StoredLog): boolean {
  return checkpoint === null && records.length === 0
}

function isSame(a: StoredLog, b: StoredLog): boolean {
  if (!isEqual(encodeGroup(0, a.records), encodeGroup(0, b.records))) return false
  if (a.checkpoint === null || b.checkpoint === null) return a.checkpoint === b.checkpoint
  const [one, other] = [a.checkpoint, b.checkpoint]
  if (!isEqual(one.meta, other.meta) || one.pages.length !== other.pages.length) return false
  return one.pages.every((page, i) => isEqual(page, other.pages[i]))
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
