import type { RejectedMutation } from "@lf/core"
import type { DocumentState, RejectedChange, Traffic } from "../rpc/protocol.ts"

/** Before the worker's first message, and on the server. */
export const INITIAL_STATE: DocumentState = {
  status: "connecting",
  error: null,
  isOpen: false,
  isOnlineWanted: true,
  pendingCount: 0,
  lsn: 0,
  isDurable: true,
  isUpToDate: false,
  firstSync: null,
  traffic: { bytesIn: 0, bytesOut: 0, pagesIn: 0, rebases: 0 },
}

/** Equal parts keep their identity: a structured clone makes every object new. */
export function nextState(before: DocumentState, change: Partial<DocumentState>): DocumentState {
  const state = { ...before, ...change }
  return {
    ...state,
    error: isSameError(before.error, state.error) ? before.error : state.error,
    firstSync: isSameProgress(before.firstSync, state.firstSync) ? before.firstSync : state.firstSync,
    traffic: isSameTraffic(before.traffic, state.traffic) ? before.traffic : state.traffic,
  }
}

function isSameError(a: DocumentState["error"], b: DocumentState["error"]): boolean {
  return a === b || (a !== null && b !== null && a.code === b.code && a.message === b.message)
}

function isSameProgress(a: DocumentState["firstSync"], b: DocumentState["firstSync"]): boolean {
  return a === b || (a !== null && b !== null && a.bytes === b.bytes && a.bytesTotal === b.bytesTotal)
}

/** Only counted upwards. */
function isSameTraffic(a: Traffic, b: Traffic): boolean {
  return a.bytesIn === b.bytesIn && a.bytesOut === b.bytesOut && a.rebases === b.rebases
}

/** The rejections after a change: a new list, or the old one when it is equal. Rejections that stay keep their identity. */
export function changedRejections(
  before: readonly RejectedMutation[],
  change: RejectedChange,
): readonly RejectedMutation[] {
  if (change.type === "all") {
    const known = new Map(before.map((rejection) => [rejection.uid, rejection]))
    const after = change.items.map((rejection) => known.get(rejection.uid) ?? rejection)
    return after.length === before.length && after.every((rejection, i) => rejection === before[i]) ? before : after
  }
  if (change.added.length === 0 && change.removed.length === 0) return before
  const removed = new Set(change.removed)
  return [...before, ...change.added].filter(({ uid }) => !removed.has(uid))
}
