import type { Lsn } from "../base/lsn.ts"
import type { MutationOutcome } from "../timeline/outcome.ts"

/** Where a mutation stands: whose journal, and its position there. */
export interface MutationRef {
  readonly clientId: string
  readonly lsn: Lsn
}

export function refKey({ clientId, lsn: at }: MutationRef): string {
  return `${clientId}/${at}`
}

/** What became of one mutation of a client. */
export interface ClientOutcome extends MutationRef, MutationOutcome {}
