"use client"
import type { Mutator } from "@lf/core"
import { checkDocId } from "@lf/core/internal"
import { type QueryClient, QueryClientContext, QueryClientProvider } from "@tanstack/react-query"
import { type ReactElement, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react"
import type { ErrorListener } from "../tab/error-reports.ts"
import type { WorkerFactory } from "../tab/make-worker.ts"
import type { ConnectOptions } from "../tab/options.ts"
import { DocumentContext, DocumentHandle } from "./document-handle.ts"
import { keepClient, ownClient } from "./own-client.ts"
import { bindingOf } from "./query-binding.ts"
import { showHandle } from "./shown-handles.ts"
import { useWorkerOfMutator, useWorkerOfThisLoad } from "./use-dev-worker-restart.ts"

export interface LfProviderProps {
  /** 1 to 64 characters of A-Z, a-z, 0-9, _ and -. */
  readonly doc: string
  /**
   * The signed-in user: the id that the server's `authenticate` returns. Storage is separate per user. What was written
   * here while anonymous (null) goes to the user who signs in; a user's pending mutations never go to another user.
   */
  readonly user?: string | null
  /**
   * Makes the app's SharedWorker, or a `Worker` where the browser has none. Called once per tab and document, however often
   * this renders.
   */
  readonly worker: WorkerFactory
  /**
   * The app's mutator, for development alone: the page sees an edit of it, as of a migration, and the worker and the server get
   * the new code. An edit of a mutation that a component calls is seen without it.
   */
  readonly mutator?: Mutator
  /** The server's route; by default /api/lf on this origin, below the `basePath` that `withLf` knows. */
  readonly url?: string
  /** A short-lived token for the server's `authenticate`, called for each connection. */
  readonly auth?: () => Promise<string | null>
  /**
   * Called with every failure in this document: mutations that were not kept or were rejected, queries, the connection.
   * The failing call's own listeners are called too. For your error tracker.
   */
  readonly onError?: ErrorListener
  /** By default the surrounding QueryClient, else one of the provider's own. */
  readonly queryClient?: QueryClient
  readonly children?: ReactNode
}

/**
 * Opens a document for the components below. Their calls belong to this document and user, also after an `await` or
 * once another document is shown.
 * @throws DOC_ID_INVALID
 */
export function LfProvider(props: LfProviderProps): ReactElement {
  const { doc, user = null, children } = props
  checkDocId(doc)
  const surrounding = useContext(QueryClientContext)
  const client = useClient(props.queryClient ?? surrounding, JSON.stringify([user, doc]))
  const handle = useMemo(() => new DocumentHandle(bindingOf(client), { doc, user }), [client, doc, user])
  const options = optionsOf(props)
  if (options !== null) handle.offer(options)
  useEffect(() => handle.live.retain(), [handle])
  // After every commit: the next connection uses the newest props.
  useEffect(() => {
    if (options !== null) handle.use(options)
  })
  useEffect(() => (process.env.NODE_ENV === "production" ? undefined : showHandle(handle)), [handle])
  useErrorListener(handle, props.onError)
  useWorkerOfThisLoad(handle)
  useWorkerOfMutator(handle, props.mutator)
  const tree = <DocumentContext.Provider value={handle}>{children}</DocumentContext.Provider>
  return client === surrounding ? tree : <QueryClientProvider client={client}>{tree}</QueryClientProvider>
}

/** Null on a server, which does not connect. */
function optionsOf({ worker, url = defaultPath(), auth }: LfProviderProps): ConnectOptions | null {
  if (typeof window === "undefined") return null
  return { worker, url: new URL(url, location.href).href, auth }
}

/** `withLf` has Next put the path in the place of the variable. Other bundlers may have no `process`. */
function defaultPath(): string {
  return (typeof process === "undefined" ? undefined : process.env.NEXT_PUBLIC_LF_PATH) ?? "/api/lf"
}

/** The client that was given, or this provider's own. */
function useClient(given: QueryClient | undefined, name: string): QueryClient {
  const [own, setOwn] = useState(() => (given === undefined ? ownClient(name) : null))
  useEffect(() => {
    if (own !== null) keepClient(name, own)
  }, [name, own])
  if (given !== undefined) return given
  if (own !== null) return own
  // The given client was removed.
  const client = ownClient(name)
  setOwn(client)
  return client
}

function useErrorListener(handle: DocumentHandle, onError: ErrorListener | undefined): void {
  const latest = useRef(onError)
  useEffect(() => {
    latest.current = onError
  })
  const isListening = onError !== undefined
  useEffect(() => {
    if (isListening) return handle.live.errors.listen((error, what) => latest.current?.(error, what))
  }, [handle, isListening])
}
