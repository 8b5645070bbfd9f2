"use client"
import type { DefinedMutation, LfError, Query, Receipt, RejectedMutation } from "@lf/core"
import type { Progress } from "@lf/core/internal"
import { notifyManager } from "@tanstack/react-query"
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react"
import type { DocumentState, PendingMutation, Traffic } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import { INITIAL_STATE } from "../tab/document-state.ts"
import { whenState } from "../tab/when-state.ts"
import { type DocumentHandle, useDocumentHandle } from "./document-handle.ts"
import { post } from "./post.ts"
import { liveQueryOptions } from "./query-binding.ts"

export interface Document {
  readonly id: string
  readonly user: string | null
  /** Resolves when the mutation is durable on this device. @throws what `useMutation` reports as its error */
  mutate<Args>(mutation: DefinedMutation<Args>, args: Args): Promise<Receipt>
  query<R>(query: Query<R>): Promise<R[]>
  /**
   * Resolves when the rows that the hooks show have the change at `lsn`: what a Server Action that called `mutate` answered.
   * Waits as long as it takes, offline too.
   */
  waitFor(lsn: number): Promise<void>
  /**
   * Runs a query ahead of the component that will show it: rows are then there at its first render. For another document than
   * the provider's the app needs a QueryClient of its own around its providers; without one each provider has another.
   */
  prefetch<R>(query: Query<R>): Promise<void>
  /** False takes this document offline in all tabs, true brings it back. Other documents have connections of their own. */
  setOnline(online: boolean): void
  /** Deletes the document on this device. @throws PENDING_REFUSED when changes have not reached the server and `pending` is "refuse" */
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

/** What apps do with the document of a handle. */
export function documentOf(handle: DocumentHandle): Document {
  return {
    id: handle.doc,
    user: handle.user,
    // The caller has the promise, and with it the error.
    mutate: (mutation, args) => post({ handle, mutation, args, isTaken: () => true, listeners: () => [] }),
    query: (query) => handle.live.requests.query(query),
    waitFor: async (lsn) => {
      await whenState(handle.live, (state) => state.lsn >= lsn)
      await handle.live.requests.delivered()
      // Behind what was delivered: TanStack Query notifies its observers in a later turn.
      await new Promise<void>((resolve) => notifyManager.schedule(resolve))
    },
    prefetch: (query) => handle.client.prefetchQuery(liveQueryOptions(handle, query)),
    setOnline: (online) => handle.live.setOnline(online),
    clear: ({ pending }) => handle.live.requests.clear(pending),
  }
}

export interface ConnectionState {
  readonly status: DocumentState["status"]
  /**
   * Why it is not connected, with a code and its remedy (docs/errors.md). Also when the status is `offline`: then most often
   * SERVER_UNREACHABLE. Null while it is connected, before the first attempt ended, and after `setOnline(false)`.
   */
  readonly error: LfError | null
  /** The last value that `setOnline` got, in any tab. */
  readonly isOnlineWanted: boolean
}

/** The worker's connection to the server. */
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

/**
 * The document's state on this device. `isDurable`: resolved mutations survive a crash of the browser; false where it keeps
 * nothing, and in private windows of Firefox. Other browsers' private windows cannot be recognised: there it is true.
 */
export function useSyncStatus(): {
  readonly pending: number
  readonly lsn: number
  readonly isDurable: boolean
  readonly isUpToDate: boolean
  readonly firstSync: Progress | null
} {
  const handle = useDocumentHandle("useSyncStatus")
  const pending = useDocumentState(handle, (state) => state.pendingCount)
  const lsn = useDocumentState(handle, (state) => state.lsn)
  const isDurable = useDocumentState(handle, (state) => state.isDurable)
  const isUpToDate = useDocumentState(handle, (state) => state.isUpToDate)
  const firstSync = useDocumentState(handle, (state) => state.firstSync)
  return useMemo(
    () => ({ pending, lsn, isDurable, isUpToDate, firstSync }),
    [pending, lsn, isDurable, isUpToDate, firstSync],
  )
}

/**
 * What went over this document's connections, bytes and pages, since this device's worker opened it. As of the last change of
 * the document: heartbeats alone do not render anything.
 */
export function useTraffic(): Traffic {
  return useDocumentState(useDocumentHandle("useTraffic"), (state) => state.traffic)
}

/** Mutations that wait for the server, oldest first. */
export function usePendingMutations(): readonly PendingMutation[] {
  const handle = useDocumentHandle("usePendingMutations")
  return useSyncExternalStore(
    useCallback((notify) => handle.live.watchPending(notify), [handle]),
    () => handle.known.pending,
    () => NO_PENDING,
  )
}

export interface DismissibleRejection extends RejectedMutation {
  /** Removes the rejection from the list, in every tab and for good. Resolves when that is durable. */
  dismiss(): Promise<void>
}

/** Mutations that the server rejected and that are not dismissed yet; kept across restarts. */
export function useRejectedMutations(): readonly DismissibleRejection[] {
  const handle = useDocumentHandle("useRejectedMutations")
  const rejected = useSyncExternalStore(
    useCallback((notify) => handle.live.watch(notify), [handle]),
    () => handle.known.rejected,
    () => NO_REJECTED,
  )
  useEffect(() => handle.live.errors.read("rejections"), [handle])
  return useMemo(
    () => rejected.map((rejection) => ({ ...rejection, dismiss: () => handle.live.requests.dismiss(rejection.uid) })),
    [handle, rejected],
  )
}

const NO_PENDING: readonly PendingMutation[] = []
const NO_REJECTED: readonly RejectedMutation[] = []

/** One part of the state: renders only when that part changes. */
function useDocumentState<T>(handle: DocumentHandle, select: (state: DocumentState) => T): T {
  return useSyncExternalStore(
    useCallback((notify) => handle.live.watch(notify), [handle]),
    () => select(handle.known.state),
    () => select(INITIAL_STATE),
  )
}
