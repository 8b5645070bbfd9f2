import type { Lsn } from "../base/lsn.ts"
import type { Outcome } from "../timeline/outcome.ts"

/** Where a mutation stands: whose journal, and its position there. */
export interface MutationRef {
  readonly clientId: string
  readonly lsn: Lsn
}

export function refKey({ clientId, lsn: at }: MutationRef): string {
  return `${clientId}/${at}`
}

/** What became of one mutation at the server. */
export interface MutationOutcome extends MutationRef {
  readonly uid: string
  readonly outcome: Outcome
}
