"use client"
import { checkDocId, LfError } from "@lf/core"
import { QueryClient, QueryClientContext, QueryClientProvider } from "@tanstack/react-query"
import {
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react"
import type { TabDocument } from "../tab/tab-document.ts"
import { bindingOf } from "./query-binding.ts"
import { useWorkerOfThisLoad } from "./use-fresh-worker.ts"

export interface LfProviderProps {
  /** 1 to 64 characters of A-Z, a-z, 0-9, _ and -. */
  readonly doc: string
  /**
   * Who is signed in: the id that the server's `authenticate` answers. Storage is kept apart per user; what was written
   * here as nobody (null) goes to the one who signs in, what is pending of theirs never to anybody else.
   */
  readonly user?: string | null
  /** Makes the app's SharedWorker. Called once per tab and document, however often this renders. */
  readonly worker: () => SharedWorker
  /** Where the server's route is; by default /api/lf on this origin. */
  readonly url?: string
  /** A short-lived token for the server's `authenticate`, asked for at each connection. */
  readonly auth?: () => Promise<string | null>
  /** By default the surrounding one, else one of the provider's own. */
  readonly queryClient?: QueryClient
  readonly children?: ReactNode
}

const DocumentContext = createContext<TabDocument | null>(null)

/**
 * Opens a document for the components below.
 * @throws DOC_ID_INVALID
 */
export function LfProvider(props: LfProviderProps): ReactElement {
  const { doc, user = null, children } = props
  checkDocId(doc)
  const surrounding = useContext(QueryClientContext)
  const [own] = useState(() =>
    surrounding === undefined && props.queryClient === undefined ? new QueryClient() : null,
  )
  const client = props.queryClient ?? surrounding ?? own
  if (client === null || client === undefined)
    throw new LfError("PROVIDER_MISSING", "the surrounding QueryClient went away")
  const document = useMemo(() => bindingOf(client).document(doc, user), [client, doc, user])
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  useEffect(
    () =>
      document.retain({
        worker: () => latest.current.worker(),
        url: new URL(latest.current.url ?? "/api/lf", location.href).href,
        auth: latest.current.auth === undefined ? undefined : async () => (await latest.current.auth?.()) ?? null,
      }),
    [document],
  )
  useWorkerOfThisLoad(document)
  useEffect(() => {
    const poke = () => {
      if (globalThis.document.visibilityState === "visible") document.poke()
    }
    const thaw = (event: PageTransitionEvent) => {
      if (event.persisted) document.reconnect()
    }
    globalThis.document.addEventListener("visibilitychange", poke)
    window.addEventListener("online", poke)
    window.addEventListener("pageshow", thaw)
    return () => {
      window.removeEventListener("pageshow", thaw)
      globalThis.document.removeEventListener("visibilitychange", poke)
      window.removeEventListener("online", poke)
    }
  }, [document])
  const tree = <DocumentContext value={document}>{children}</DocumentContext>
  return client === surrounding ? tree : <QueryClientProvider client={client}>{tree}</QueryClientProvider>
}

/** @throws PROVIDER_MISSING */
export function useTabDocument(): TabDocument {
  const document = useContext(DocumentContext)
  if (document === null) throw new LfError("PROVIDER_MISSING", "this hook is used below <LfProvider>")
  return document
}
