import { type Lsn, lsn } from "../base/lsn.ts"
import type { Applied } from "../timeline/internal-tables.ts"
import type { Timeline } from "../timeline/timeline.ts"

export interface TimelineState {
  readonly start: Lsn
  readonly lsn: Lsn
  readonly hashAt: (position: Lsn) => bigint | undefined
}

export function timelineState(timeline: Timeline): TimelineState {
  return { start: timeline.start(), lsn: timeline.lsn(), hashAt: (at) => timeline.hashAt(at) }
}

export interface RebaseInput {
  readonly applied: Applied | null
  readonly timeline: TimelineState
  /** The server confirmed with hashes that it has ours up to here. */
  readonly serverCursor: Lsn
  /** The last position that the server's copy has in common, once it reported a fork; null: no fork known. */
  readonly forkAt: Lsn | null
  /** The document was restored from a copy: nothing that the base does not show was kept. */
  readonly isRestored: boolean
}

export interface RebasePlan {
  /** Pending mutations up to here are in the base, or were rejected. */
  readonly dropTo: Lsn
  /**
   * keep: go on as before. renumber: the rest goes to a new client id, because another client writes under ours (T1, T2).
   * probe: another client does, and the server must first be asked where the two differ.
   */
  readonly next: "keep" | "renumber" | "probe"
}

/** Decides what a new base means for the timeline. */
export function planRebase({ applied, timeline, serverCursor, forkAt, isRestored }: RebaseInput): RebasePlan {
  const at = applied?.lsn ?? lsn(0)
  const isOurs = at <= timeline.start || (at <= timeline.lsn && timeline.hashAt(at) === applied?.hash)
  const agreed = isOurs ? at : lsn(Math.min(at, forkAt ?? serverCursor, timeline.lsn))
  const dropTo = lsn(Math.max(agreed, timeline.start))
  // Of a restored base whose row is another client's, only the server can say what of ours is in it: dropping by number
  // would lose promised mutations, renumbering all would double those that both of us had.
  if (isRestored) return { dropTo, next: isOurs ? "renumber" : "probe" }
  // What the server has of ours under the old id stays visible here until the base shows it (I7).
  if (forkAt !== null) return { dropTo, next: dropTo >= forkAt ? "renumber" : "keep" }
  return { dropTo, next: isOurs ? "keep" : "probe" }
}

/** How the server's copy of our timeline compares at the start of a connection. */
export type Meeting =
  /** It is a prefix of ours: push from there. */
  | { readonly type: "agreed"; readonly cursor: Lsn }
  /** Another client wrote under our id; up to `common` it is ours. */
  | { readonly type: "fork"; readonly common: Lsn }
  /** Another client did, and only the server knows from where on. */
  | { readonly type: "probe" }

/** Decides what the last entry of the server's copy means for the timeline. */
export function planMeeting(timeline: TimelineState, server: Applied): Meeting {
  if (server.lsn < timeline.start) return { type: "fork", common: timeline.start }
  if (server.lsn <= timeline.lsn && timeline.hashAt(server.lsn) === server.hash)
    return { type: "agreed", cursor: server.lsn }
  return timeline.start === timeline.lsn ? { type: "fork", common: timeline.lsn } : { type: "probe" }
}
