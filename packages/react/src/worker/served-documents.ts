import type { Mutator } from "@lf/core"
import type { Cancel } from "@lf/core/internal"
import type { Platform } from "../platform/port.ts"
import type { TabMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import { storageKey } from "../rpc/storage-key.ts"
import type { DevtoolsDesk } from "./devtools-desk.ts"
import { DocumentPool } from "./document-pool.ts"
import { type Hold, type HoldListener, JoinedDocuments } from "./joined-documents.ts"
import { OpenDocument } from "./open-document.ts"
import type { TabPort } from "./tab-port.ts"
import { TokenDesk } from "./token-desk.ts"

/** A document without tabs stays open for this long, for a reload. */
const IDLE_CLOSE_MS = 2_000
/** What is on its way to the server keeps a document without tabs open for this long at the most. */
const SENDING_MS_MAX = 15_000
const SENDING_LOOK_MS = 250
/** A document that stops again within this time is reopened only after it: its disk is probably still full. */
const REOPEN_PAUSE_MS = 5_000
/** The delay before a document that could not be opened is retried. */
const OPEN_AGAIN_MS = 30_000

/** A document that is open, and who uses it. */
export interface Served {
  readonly key: string
  readonly doc: string
  readonly user: string | null
  readonly document: OpenDocument
  readonly desk: TokenDesk
  readonly tabs: Set<TabPort>
  /** Queries over several documents that read this one, and others that need it open. */
  readonly holders: Set<HoldListener & { readonly desk: TokenDesk }>
  /** Its tabs' queries over several documents, by the documents. */
  readonly joined: Map<string, JoinedDocuments>
  url: string
  cancelIdleClose: Cancel
}

type Open = Pick<Extract<TabMessage, { type: "open" }>, "doc" | "user" | "url">

export interface ServedDocumentsOptions {
  readonly mutator: Mutator
  readonly platform: Platform
  readonly devtools: DevtoolsDesk | null
}

/** The worker's documents: each is opened once, for all of its tabs and queries, and closed when nothing uses it. */
export class ServedDocuments {
  readonly #mutator: Mutator
  readonly #platform: Platform
  readonly #devtools: DevtoolsDesk | null
  readonly #crashed = new Set<string>()
  readonly #served = new Map<string, Served>()
  readonly #reopenedMs = new Map<string, number>()
  readonly #pool = new DocumentPool(() => this.#closeIdle())

  constructor(options: ServedDocumentsOptions) {
    this.#mutator = options.mutator
    this.#platform = options.platform
    this.#devtools = options.devtools
  }

  get all(): readonly Served[] {
    return [...this.#served.values()]
  }

  /** For one more tab of the document, which it reaches at this address. */
  serve(open: Open): Served {
    const known = this.#served.get(storageKey(open.user, open.doc))
    // A reloaded page retries at once.
    if (known?.document.canReopen) void this.#reopen(known)
    const served = this.#get(open)
    served.url = open.url
    served.document.setUrl(open.url)
    if (known !== undefined) served.document.poke()
    return served
  }

  /** Opens another document of the same user at the same server; it asks the tabs of `by` for tokens when it has none itself. */
  hold({ user, url, desk }: Served, doc: string, listener: HoldListener): Hold {
    const served = this.#get({ doc, user, url })
    const holder = { ...listener, desk }
    served.holders.add(holder)
    return {
      document: served.document,
      release: () => {
        if (served.holders.delete(holder)) this.leave(served)
      },
    }
  }

  /** A tab or a query does not use the document any more. */
  leave(served: Served): void {
    if (isUsed(served)) return
    if (this.#isClaimed(served)) this.#closeUnused(served)
    else this.#closeLater(served, IDLE_CLOSE_MS)
  }

  /** A tab shows the document, or only waits for the server's decisions. */
  lookAtShown(served: Served): void {
    if (this.#isClaimed(served)) this.#closeIfUnused(served.doc)
  }

  /** The queries of one document's tabs over several. */
  joined(by: Served, docs: readonly string[], own: string | undefined): JoinedDocuments {
    const name = [...docs, own].join()
    const known = by.joined.get(name)
    if (known !== undefined) return known
    const joined: JoinedDocuments = new JoinedDocuments({
      docs,
      own,
      host: this.#platform.host,
      loadSqlite: this.#platform.loadSqlite,
      hold: (doc, listener) => this.hold(by, doc, listener),
      takePlace: () => this.#pool.take(),
      onIdle: () => {
        if (by.joined.get(name) === joined) by.joined.delete(name)
      },
    })
    by.joined.set(name, joined)
    return joined
  }

  find(user: string | null, doc: string): Served | undefined {
    return this.#served.get(storageKey(user, doc))
  }

  /** Closes all of them, or all of a user's, also those in use. */
  async closeAll(of: readonly Served[] = this.all): Promise<void> {
    for (const served of of) this.#forget(served)
    await Promise.allSettled(of.map(({ document }) => document.close()))
  }

  #get(open: Open): Served {
    const served = this.#served.get(storageKey(open.user, open.doc)) ?? this.#open(open)
    served.cancelIdleClose()
    return served
  }

  #open({ doc, user, url }: Open): Served {
    const key = storageKey(user, doc)
    const tabs = new Set<TabPort>()
    const holders: Served["holders"] = new Set()
    const desk = new TokenDesk(this.#platform.host, () => document.poke())
    const document: OpenDocument = new OpenDocument({
      doc,
      user,
      url,
      mutator: this.#mutator,
      platform: this.#platform,
      rehearsals: this.#devtools?.rehearsals(key, (error) => {
        for (const tab of tabs) tab.post({ type: "uncaught", error: errorToSent(error) })
      }),
      crashed: this.#crashed,
      token: () => {
        const [holder] = tabs.size > 0 ? [] : holders
        return (holder?.desk ?? desk).ask()
      },
      takePlace: () => this.#pool.take(),
      onState: () => {
        for (const tab of tabs) tab.postState()
        for (const holder of holders) holder.onState()
      },
      onRejection: (change) => {
        for (const tab of tabs) tab.postRejection(change)
      },
      onOpened: () => {
        for (const tab of tabs) tab.postAllRejections()
      },
      onCleared: () => {
        this.#forget(served)
        for (const tab of tabs) tab.post({ type: "restarting" })
        for (const holder of [...holders]) holder.onGone()
      },
      onFailed: () => this.#reopenLater(served),
      onReplaced: (error) => {
        for (const tab of tabs) tab.end({ status: "needs-update", error: errorToSent(error) })
      },
    })
    const served: Served = {
      key,
      doc,
      user,
      document,
      desk,
      tabs,
      holders,
      joined: new Map(),
      url,
      cancelIdleClose: () => {},
    }
    this.#served.set(key, served)
    if (user !== null) this.#closeIfUnused(doc)
    return served
  }

  /** False: another one has its place. */
  #forget(served: Served): boolean {
    return this.#served.get(served.key) === served && this.#served.delete(served.key)
  }

  #reopenLater(served: Served): void {
    const { host } = this.#platform
    const sinceReopenMs = host.monotonicMs() - (this.#reopenedMs.get(served.key) ?? Number.NEGATIVE_INFINITY)
    const reopenMs = sinceReopenMs > REOPEN_PAUSE_MS ? 0 : REOPEN_PAUSE_MS
    host.after(served.document.wasOpen ? reopenMs : OPEN_AGAIN_MS, () => void this.#reopen(served))
  }

  /** Reopens a failed document from its log: its tabs connect again. */
  async #reopen(served: Served): Promise<void> {
    if (!this.#forget(served)) return
    this.#reopenedMs.set(served.key, this.#platform.host.monotonicMs())
    await served.document.close().catch(() => {}) // it failed before; the next opening recovers
    for (const tab of served.tabs) tab.post({ type: "restarting" })
    for (const holder of [...served.holders]) holder.onGone()
  }

  #closeLater(served: Served, ms: number, sendingMs = 0): void {
    served.cancelIdleClose = this.#platform.host.after(ms, () => {
      if (!isSending(served) || sendingMs >= SENDING_MS_MAX) this.#closeUnused(served)
      else this.#closeLater(served, SENDING_LOOK_MS, sendingMs + SENDING_LOOK_MS)
    })
  }

  /** There is no room for another document: those that only wait for a reload are closed now. */
  #closeIdle(): void {
    for (const served of this.#served.values()) if (!isSending(served)) this.#closeUnused(served)
  }

  #closeUnused(served: Served): void {
    if (isUsed(served) || !this.#forget(served)) return
    this.#reopenedMs.delete(served.key)
    void served.document
      .close()
      .catch(() => {}) // it failed before; the next opening recovers
      .then(() => this.#lookForClaim(served))
  }

  /** An anonymous document is closed as soon as no tab shows it: a user who signed in waits for its log. */
  #closeIfUnused(doc: string): void {
    const served = this.#served.get(storageKey(null, doc))
    if (served === undefined) return
    if ([...served.tabs].every(({ isShown }) => !isShown)) for (const tab of served.tabs) tab.post({ type: "released" })
    this.#closeUnused(served)
  }

  /** A user signed in and waits for the anonymous log (T26). */
  #isClaimed({ doc, user }: Served): boolean {
    return user === null && this.all.some((other) => other.doc === doc && other.user !== null)
  }

  #lookForClaim({ doc, user }: Served): void {
    if (user !== null) return
    for (const other of this.#served.values()) if (other.doc === doc) other.document.lookForClaim()
  }
}

function isUsed({ tabs, holders }: Served): boolean {
  return tabs.size + holders.size > 0
}

/** Changes that the server does not have, and a server that may take them. */
function isSending({ document }: Served): boolean {
  const { pendingCount, status } = document.state
  return pendingCount > 0 && (status === "connecting" || status === "connected")
}
