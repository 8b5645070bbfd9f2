import type { DocumentState } from "../rpc/protocol.ts"

/** Before the worker has said anything, and on the server. */
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
  rejected: [],
}

/** Parts that say the same keep their identity: a structured clone makes everything new. */
export function nextState(before: DocumentState, change: Partial<DocumentState>): DocumentState {
  const state = { ...before, ...change }
  return {
    ...state,
    error: sameJson(before.error, state.error) ? before.error : state.error,
    firstSync: sameJson(before.firstSync, state.firstSync) ? before.firstSync : state.firstSync,
    rejected: sameUids(before.rejected, state.rejected) ? before.rejected : state.rejected,
  }
}

function sameJson(a: object | null, b: object | null): boolean {
  return a === b || (a !== null && b !== null && JSON.stringify(a) === JSON.stringify(b))
}

function sameUids(a: readonly { uid: string }[], b: readonly { uid: string }[]): boolean {
  return a.length === b.length && a.every(({ uid }, i) => uid === b[i].uid)
}
