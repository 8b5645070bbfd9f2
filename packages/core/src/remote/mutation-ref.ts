import type { Lsn } from "../base/lsn.ts"
import type { MutationOutcome } from "../timeline/outcome.ts"

/** A mutation's client and its position in that client's journal. */
export interface MutationRef {
  readonly clientId: string
  readonly lsn: Lsn
}

export function refKey({ clientId, lsn: at }: MutationRef): string {
  return `${clientId}/${at}`
}

/** The outcome of one mutation of a client. */
export interface ClientOutcome extends MutationRef, MutationOutcome {}
