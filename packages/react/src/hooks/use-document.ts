"use client"
import type { DefinedMutation, LfError, Progress, Query, Rejection } from "@lf/core"
import { useCallback, useMemo, useSyncExternalStore } from "react"
import type { DocumentState, PendingMutation } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import type { Receipt } from "../tab/calls.ts"
import { INITIAL_STATE } from "../tab/document-state.ts"
import { useTabDocument } from "./provider.tsx"

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

/** The document of the surrounding provider. The object and its functions keep their identity. */
export function useDocument(): Document {
  const document = useTabDocument()
  return useMemo(
    () => ({
      id: document.doc,
      user: document.user,
      mutate: (mutation, args) => document.mutate(mutation, args),
      query: (query) => document.query(query),
      setOnline: document.setOnline,
      clear: ({ pending }) => document.clear(pending),
    }),
    [document],
  )
}

/** How the worker stands with the server. */
export function useConnectionStatus(): {
  readonly status: DocumentState["status"]
  readonly error: LfError | null
  /** What `setOnline` was last told, by any tab. */
  readonly isOnlineWanted: boolean
} {
  const status = useDocumentState((state) => state.status)
  const error = useDocumentState((state) => state.error)
  const isOnlineWanted = useDocumentState((state) => state.isOnlineWanted)
  return useMemo(
    () => ({ status, error: error === null ? null : sentToError(error), isOnlineWanted }),
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
  const pending = useDocumentState((state) => state.pendingCount)
  const lsn = useDocumentState((state) => state.lsn)
  const durable = useDocumentState((state) => state.isDurable)
  const upToDate = useDocumentState((state) => state.isUpToDate)
  const firstSync = useDocumentState((state) => state.firstSync)
  return useMemo(() => ({ pending, lsn, durable, upToDate, firstSync }), [pending, lsn, durable, upToDate, firstSync])
}

/** What waits for the server, oldest first. */
export function usePendingMutations(): readonly PendingMutation[] {
  const document = useTabDocument()
  const subscribe = useCallback((tell: () => void) => document.watchPending(tell), [document])
  return useSyncExternalStore(
    subscribe,
    () => document.pending,
    () => NO_PENDING,
  )
}

export interface RejectedMutation extends Rejection {
  /** Clears it, in every tab and for good. */
  dismiss(): void
}

/** What the server rejected and nobody dismissed yet; kept across restarts. */
export function useRejectedMutations(): readonly RejectedMutation[] {
  const document = useTabDocument()
  const rejected = useDocumentState((state) => state.rejected)
  return useMemo(
    () => rejected.map((rejection) => ({ ...rejection, dismiss: () => document.dismiss(rejection.uid) })),
    [document, rejected],
  )
}

const NO_PENDING: readonly PendingMutation[] = []

/** One part of the state: what does not change renders nothing. */
function useDocumentState<T>(select: (state: DocumentState) => T): T {
  const document = useTabDocument()
  const subscribe = useCallback((tell: () => void) => document.watch(tell), [document])
  return useSyncExternalStore(
    subscribe,
    () => select(document.state),
    () => select(INITIAL_STATE),
  )
}
