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

/** The outcome of one mutation of a client, and what is known of it for a trace. */
export interface ClientOutcome extends MutationRef, MutationOutcome {
  readonly name: string
  /** When the server received it, ms since 1970. */
  readonly receivedMs: number
}

/** Mutations that became durable with one flush. `startedMs`, `steppedMs` and `flushedMs`: ms since 1970. */
export interface DurableGroup {
  readonly decided: readonly ClientOutcome[]
  readonly startedMs: number
  /** They have run; the flush begins. */
  readonly steppedMs: number
  readonly flushedMs: number
}
