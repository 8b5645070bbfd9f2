import type { Lsn } from "../base/lsn.ts"

/** What an entry costs beside its bytes: its length on the wire, rounded up, so that empty entries are bounded too. */
const ENTRY_EXTRA_BYTES = 8

/** A run of entries, those after `from`, as the chain hashes them. `previousHash` is the chain's at `from`. */
export interface Batch {
  readonly from: Lsn
  readonly previousHash: bigint
  readonly entries: readonly Uint8Array[]
}

/** What one entry takes of what a reader asks for. */
export function entryCostBytes(entry: Uint8Array): number {
  return entry.length + ENTRY_EXTRA_BYTES
}
