import { LfError } from "@lf/core"
import { type DocumentStore, loadChecksum, renewEpoch } from "@lf/core/internal"
import { nodeHost } from "../node/node-host.ts"

export interface RenewEpochsOptions {
  readonly store: DocumentStore
  /** Default: all. */
  readonly docIds?: readonly string[] | undefined
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Gives documents new epochs, after their store has lost what it had acknowledged: clients fetch them anew, whatever they had
 * seen, and send what they have pending (T2). No server may use them. Returns how many.
 * @throws DOC_ID_INVALID DOC_NOT_FOUND SERVER_DIRECTORY_OWNED LOG_OWNED LOG_CORRUPT LOG_FORMAT_NEWER LOG_FULL LOG_FAILED
 */
export async function renewEpochs({ store, docIds, onProgress = () => {} }: RenewEpochsOptions): Promise<number> {
  await loadChecksum()
  await store.begin()
  const ids = docIds ?? (await store.list()).map(({ docId }) => docId)
  for (const docId of ids)
    if (!(await store.has(docId))) throw new LfError("DOC_NOT_FOUND", `there is no document ${docId} in ${store.name}`)
  for (const [i, docId] of ids.entries()) {
    await renewEpoch(await store.open(docId), nodeHost)
    onProgress(i + 1, ids.length)
  }
  return ids.length
}
