"use client"
import { LfError } from "@lf/core"
import type { QueryClient } from "@tanstack/react-query"
import { createContext, useContext } from "react"
import { INITIAL_STATE } from "../tab/document-state.ts"
import type { ErrorListener } from "../tab/error-reports.ts"
import type { ConnectOptions } from "../tab/options.ts"
import type { TabDocument } from "../tab/tab-document.ts"
import type { OtherPresence } from "../tab/tab-presence.ts"
import type { QueryBinding } from "./query-binding.ts"

/**
 * One document of one user, as a render has it. What hooks return is bound to it: a call belongs to the document and the
 * user of the render that made it, whenever it is called (H2).
 */
export class DocumentHandle {
  readonly doc: string
  readonly user: string | null
  readonly client: QueryClient
  readonly #binding: QueryBinding
  #options: ConnectOptions | null = null

  constructor(binding: QueryBinding, { doc, user }: { readonly doc: string; readonly user: string | null }) {
    this.#binding = binding
    this.client = binding.client
    this.doc = doc
    this.user = user
  }

  /** In a render: the options to connect the document with. Does not connect. */
  offer(options: ConnectOptions): void {
    this.#options = options
    this.prepare()
  }

  /** Makes the app's worker; null: no render has said how. */
  get worker(): ConnectOptions["worker"] | null {
    return this.#options?.worker ?? null
  }

  /** Another document of the same user, over the same worker and server. */
  sibling(doc: string): DocumentHandle {
    const sibling = new DocumentHandle(this.#binding, { doc, user: this.user })
    sibling.#options = this.#options
    return sibling
  }

  /** In a render, before a query is made: a query that suspends is connected at once, since its effects never run (H3). */
  prepare(): void {
    if (this.#options !== null) this.#binding.offer(this, this.#options)
  }

  /** In an effect: the options to connect the document with. */
  use(options: ConnectOptions): void {
    this.#options = options
    this.live.use(options)
  }

  /** The tab's end of the document, created if there is none. Not for renders. */
  get live(): TabDocument {
    this.prepare()
    return this.#binding.document(this.doc, this.user)
  }

  /** The document's state besides rows. Creates nothing, so renders may call it. */
  get known(): TabDocument["known"] {
    return this.#binding.find(this.doc, this.user)?.known ?? NOTHING
  }

  /** What other tabs show. Creates nothing. */
  get presences(): readonly OtherPresence[] {
    return this.#binding.find(this.doc, this.user)?.presence.others ?? NO_ONE
  }

  /** How much this tab can undo and redo. Creates nothing. */
  get undoDepth(): TabDocument["undo"]["depth"] {
    return this.#binding.find(this.doc, this.user)?.undo.depth ?? NO_DEPTH
  }

  report(error: LfError, what: Parameters<ErrorListener>[1], isTaken: boolean): void {
    this.live.errors.report(error, what, isTaken)
  }
}

const NO_DEPTH = { undo: 0, redo: 0 }
const NO_ONE: readonly OtherPresence[] = []
const NOTHING: TabDocument["known"] = { state: INITIAL_STATE, pending: [], rejected: [] }

export const DocumentContext = createContext<DocumentHandle | null>(null)

/** For the hook of this name. @throws PROVIDER_MISSING */
export function useDocumentHandle(hook: string): DocumentHandle {
  const handle = useContext(DocumentContext)
  if (handle === null)
    throw new LfError("PROVIDER_MISSING", `${hook} was called outside of <LfProvider>: wrap the page in it`)
  return handle
}
