import { type LogRecord, loadChecksum, openMemoryLog, pendingAtRest } from "@lf/core/internal"
import { claimKey, storageKey } from "../../rpc/storage-key.ts"
import { readBrowserRecords } from "./stored-logs.ts"

/**
 * How many changes of a document are pending on this device, read from storage: opens, owns and writes nothing, and
 * needs no worker and no wasm.
 * @throws LOG_CORRUPT LOG_FAILED
 */
export async function countStoredPending(document: {
  readonly doc: string
  readonly user: string | null
}): Promise<number> {
  await loadChecksum()
  const { doc, user } = document
  const keys = user === null ? [storageKey(null, doc)] : [storageKey(user, doc), claimKey(user, doc)]
  let count = 0
  for (const key of keys) count += pendingIn(await readBrowserRecords(key))
  return count
}

function pendingIn(records: readonly LogRecord[]): number {
  return pendingAtRest({ ...openMemoryLog(), records })
}
