"use client"
import type { DefinedMutation, LfError, Query, Receipt, RejectedMutation } from "@lf/core"
import type { Progress } from "@lf/core/internal"
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react"
import type { DocumentState, PendingMutation } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import { INITIAL_STATE } from "../tab/document-state.ts"
import { type DocumentHandle, useDocumentHandle } from "./document-handle.ts"
import { post } from "./post.ts"

export interface Document {
  readonly id: string
  readonly user: string | null
  /** Resolves when the mutation is durable on this device. @throws what `useMutation` reports as its error */
  mutate<Args>(mutation: DefinedMutation<Args>, args: Args): Promise<Receipt>
  query<R>(query: Query<R>): Promise<R[]>
  /** False takes the worker's socket offline, for all tabs; true brings it back. */
  setOnline(online: boolean): void
  /** Forgets the document on this device. @throws PENDING_REFUSED when changes have not reached the server and `pending` is "refuse" */
  clear(options: { readonly pending: "refuse" | "discard" }): Promise<void>
}

/**
 * The document of the surrounding provider. The object and its functions keep their identity, and belong to the document
 * and user of the render that made them.
 */
export function useDocument(): Document {
  const handle = useDocumentHandle("useDocument")
  return useMemo(() => documentOf(handle), [handle])
}

function documentOf(handle: DocumentHandle): Document {
  return {
    id: handle.doc,
    user: handle.user,
    // The caller has the promise, and with it the error.
    mutate: (mutation, args) => post({ handle, mutation, args, isTaken: () => true, listeners: () => [] }),
    query: (query) => handle.live.query(query),
    setOnline: (online) => handle.live.setOnline(online),
    clear: ({ pending }) => handle.live.clear(pending),
  }
}

export interface ConnectionState {
  readonly status: DocumentState["status"]
  /**
   * Why it is not connected, with a code and its remedy (docs/errors.md). Also when the status is `offline`: then most often
   * SERVER_UNREACHABLE. Null while it is connected, before the first try ended, and after `setOnline(false)`.
   */
  readonly error: LfError | null
  /** What `setOnline` was last told, by any tab. */
  readonly isOnlineWanted: boolean
}

/** How the worker stands with the server. */
export function useConnectionStatus(): ConnectionState {
  const handle = useDocumentHandle("useConnectionStatus")
  const status = useDocumentState(handle, (state) => state.status)
  const sent = useDocumentState(handle, (state) => state.error)
  const isOnlineWanted = useDocumentState(handle, (state) => state.isOnlineWanted)
  const error = useMemo(() => (sent === null ? null : sentToError(sent)), [sent])
  const isErrorRead = useRef(false)
  useEffect(() => {
    if (isErrorRead.current) return handle.live.errors.read("connection")
  }, [handle])
  return useMemo(
    () => ({
      status,
      get error() {
        isErrorRead.current = true
        return error
      },
      isOnlineWanted,
    }),
    [status, error, isOnlineWanted],
  )
}

/** How this device stands with the document. `durable`: what is resolved survives a crash; false in private windows. */
export function useSyncStatus(): {
  readonly pending: number
  readonly lsn: number
  readonly durable: boolean
  readonly upToDate: boolean
  readonly firstSync: Progress | null
} {
  const handle = useDocumentHandle("useSyncStatus")
  const pending = useDocumentState(handle, (state) => state.pendingCount)
  const lsn = useDocumentState(handle, (state) => state.lsn)
  const durable = useDocumentState(handle, (state) => state.isDurable)
  const upToDate = useDocumentState(handle, (state) => state.isUpToDate)
  const firstSync = useDocumentState(handle, (state) => state.firstSync)
  return useMemo(() => ({ pending, lsn, durable, upToDate, firstSync }), [pending, lsn, durable, upToDate, firstSync])
}

/** What waits for the server, oldest first. */
export function usePendingMutations(): readonly PendingMutation[] {
  const handle = useDocumentHandle("usePendingMutations")
  return useSyncExternalStore(
    useCallback((tell) => handle.live.watchPending(tell), [handle]),
    () => handle.known.pending,
    () => NO_PENDING,
  )
}

export interface DismissibleRejection extends RejectedMutation {
  /** Clears it, in every tab and for good. Resolves when that is durable. */
  dismiss(): Promise<void>
}

/** What the server rejected and nobody dismissed yet; kept across restarts. */
export function useRejectedMutations(): readonly DismissibleRejection[] {
  const handle = useDocumentHandle("useRejectedMutations")
  const rejected = useSyncExternalStore(
    useCallback((tell) => handle.live.watch(tell), [handle]),
    () => handle.known.rejected,
    () => NO_REJECTED,
  )
  useEffect(() => handle.live.errors.read("rejections"), [handle])
  return useMemo(
    () => rejected.map((rejection) => ({ ...rejection, dismiss: () => handle.live.dismiss(rejection.uid) })),
    [handle, rejected],
  )
}

const NO_PENDING: readonly PendingMutation[] = []
const NO_REJECTED: readonly RejectedMutation[] = []

/** One part of the state: what does not change renders nothing. */
function useDocumentState<T>(handle: DocumentHandle, select: (state: DocumentState) => T): T {
  return useSyncExternalStore(
    useCallback((tell) => handle.live.watch(tell), [handle]),
    () => select(handle.known.state),
    () => select(INITIAL_STATE),
  )
}
