import type { Mutator } from "@lf/core"
import type { Platform } from "../platform/port.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import { storageKey } from "../rpc/storage-key.ts"
import type { DevtoolsDesk, DevtoolsSource, ServedDocument } from "./devtools-desk.ts"
import { DocumentPool } from "./document-pool.ts"
import { type Hold, type HoldListener, JoinedDocuments } from "./joined-documents.ts"
import { meteredPlatform, type NetworkMeter } from "./metered-network.ts"
import { OpenDocument } from "./open-document.ts"
import { TabPort } from "./tab-port.ts"
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
/** Newest connections and clears that are remembered; over it the oldest is forgotten. */
const CONNECTIONS_MAX = 1_000
const CLEARS_MAX = 1_000
/** Remembered locks of tabs that are gone; over it the oldest is forgotten. */
const FREE_LOCKS_MAX = 1_000

interface Entry {
  readonly doc: string
  readonly user: string | null
  readonly document: OpenDocument
  readonly desk: TokenDesk
  readonly tabs: Set<TabPort>
  /** Queries over several documents that read this one. */
  readonly holders: Set<HoldListener & { readonly desk: TokenDesk }>
  /** Its tabs' queries over several documents, by the documents. */
  readonly joined: Map<string, JoinedDocuments>
  readonly meter: NetworkMeter | null
  url: string
  cancelIdleClose: () => void
}

/** A tab's session with a document. */
interface TabSession {
  handle(message: TabMessage): void
  leave(): void
  /** The tab leaves when the holder of this lock is gone. */
  watch(lock: string): void
}

type Open = Extract<TabMessage, { type: "open" }>
type Asked = Extract<TabMessage, { type: "devtools" }>

export interface WorkerHostOptions {
  readonly mutator: Mutator
  readonly platform: Platform
  readonly end: () => void
  /** Development: makes what answers the devtools' panels. */
  readonly devtools?: ((source: DevtoolsSource) => DevtoolsDesk) | undefined
}

/** The worker's end: serves many tabs and several documents, each opened once. */
export class WorkerHost {
  readonly #mutator: Mutator
  readonly #platform: Platform
  readonly #crashed = new Set<string>()
  readonly #entries = new Map<string, Entry>()
  readonly #reopenedMs = new Map<string, number>()
  readonly #bornMs: number
  readonly #livenessLock: Promise<string | null>
  readonly #end: () => void
  /**
   * A tab that reconnects sends everything again: late messages on its older port must not come after that.
   */
  readonly #connections = new Map<string, number>()
  /** How each served tab leaves: nothing of a tab that left is kept (H5). */
  readonly #sessions = new Map<string, () => void>()
  /** By the tab's call: one that is repeated runs once (H1). */
  readonly #clears = new Map<string, Promise<void>>()
  /** Of tabs that are gone. One that connects again is alive: site data was cleared, and its locks are invisible here. */
  readonly #freeLocks = new Set<string>()
  readonly #pool: DocumentPool
  readonly #devtools: DevtoolsDesk | null

  constructor(options: WorkerHostOptions) {
    const { host } = options.platform
    const { names: mutations } = options.mutator
    this.#devtools = options.devtools?.({ host, mutations, documents: () => this.#served() }) ?? null
    this.#mutator = options.mutator
    this.#platform = options.platform
    this.#end = options.end
    this.#bornMs = options.platform.host.nowMs()
    this.#livenessLock = options.platform.holdLivenessLock()
    this.#pool = new DocumentPool(() => this.#closeIdle())
  }

  /** Live queries that run here for tabs. */
  get queryCount(): number {
    let count = 0
    for (const { document } of this.#entries.values()) count += document.queryCount
    return count
  }

  /** Tabs that are served. */
  get tabCount(): number {
    return this.#sessions.size
  }

  /** An uncaught error: sent to every tab, since a worker's own console is hard to find. */
  postUncaught(error: unknown): void {
    const message: WorkerMessage = { type: "uncaught", error: errorToSent(error) }
    for (const { tabs } of this.#entries.values()) for (const tab of tabs) tab.post(message)
  }

  /** A tab connected. */
  accept(port: Port<WorkerMessage, TabMessage>): void {
    let session: TabSession | null = null
    port.listen((message) => {
      if (message.type === "open") {
        session?.leave()
        session = this.#isOutdated(message) ? null : this.#join(port, message)
      } else if (message.type === "restart") void this.#restart(message.sinceMs)
      else if (message.type === "life") session?.watch(message.lock)
      else if (message.type === "close") session?.leave()
      else if (message.type === "ping") port.post({ type: "pong" })
      else if (message.type === "devtools") void this.#answerDevtools(port, message)
      else session?.handle(message)
    })
    port.post({ type: "alive" })
    void this.#livenessLock.then((lock) => port.post({ type: "life", lock }))
  }

  async #answerDevtools(port: Port<WorkerMessage, TabMessage>, { call, question }: Asked): Promise<void> {
    const reply = await this.#devtools?.answer(question)
    if (reply !== undefined) port.post({ type: "devtools", call, reply })
  }

  #served(): ServedDocument[] {
    return Array.from(this.#entries, ([key, entry]) => ({ ...entry, key, tabs: entry.tabs.size }))
  }

  #isOutdated({ tab, connection }: Open): boolean {
    return connection < (this.#connections.get(tab) ?? 0)
  }

  #clearOnce(call: string, clear: () => Promise<void>): Promise<void> {
    const known = this.#clears.get(call)
    if (known !== undefined) return known
    const clearing = clear()
    this.#clears.set(call, clearing)
    forgetOldest(this.#clears, CLEARS_MAX)
    return clearing
  }

  #join(port: Port<WorkerMessage, TabMessage>, open: Open): TabSession {
    const key = storageKey(open.user, open.doc)
    const known = this.#entries.get(key)
    // A reloaded page retries at once.
    if (known?.document.canReopen) void this.#reopen(key, known)
    const entry = this.#entries.get(key) ?? this.#open(key, open)
    entry.cancelIdleClose()
    entry.url = open.url
    entry.document.setUrl(open.url)
    const { document, desk } = entry
    if (known !== undefined) document.poke()
    const once = (call: number, clear: () => Promise<void>) => this.#clearOnce(`${open.tab}/${call}`, clear)
    const tab = new TabPort({
      tab: open.tab,
      port,
      document,
      desk,
      hasAuth: open.hasAuth,
      once,
      joined: (docs, own) => this.#joined(entry, docs, own),
    })
    entry.tabs.add(tab)
    let stopWatching: () => void = () => {}
    let hasLeft = false
    const leave = () => {
      hasLeft = true
      if (this.#sessions.get(open.tab) === leave) this.#sessions.delete(open.tab)
      stopWatching()
      tab.close()
      if (entry.tabs.delete(tab)) this.#leave(key, entry)
    }
    const watch = (lock: string) => {
      stopWatching()
      if (this.#freeLocks.has(lock)) return
      stopWatching = this.#platform.watchLivenessLock(lock, () => {
        this.#freeLocks.add(lock)
        forgetOldest(this.#freeLocks, FREE_LOCKS_MAX)
        tab.post({ type: "restarting" })
        leave()
      })
    }
    const handle = (message: TabMessage) => {
      if (hasLeft) return
      tab.handle(message)
      if (message.type === "shown" && this.#isClaimed(entry)) this.#closeIfUnused(entry.doc)
    }
    this.#sessions.get(open.tab)?.()
    this.#sessions.set(open.tab, leave)
    this.#connections.delete(open.tab)
    this.#connections.set(open.tab, open.connection)
    forgetOldest(this.#connections, CONNECTIONS_MAX)
    return { handle, leave, watch }
  }

  /** A tab or a query does not use the document any more. */
  #leave(key: string, entry: Entry): void {
    if (isUsed(entry)) return
    if (this.#isClaimed(entry)) this.#closeUnused(key, entry)
    else this.#closeLater(key, entry, IDLE_CLOSE_MS)
  }

  #closeLater(key: string, entry: Entry, ms: number, sendingMs = 0): void {
    entry.cancelIdleClose = this.#platform.host.after(ms, () => {
      if (!isSending(entry) || sendingMs >= SENDING_MS_MAX) this.#closeUnused(key, entry)
      else this.#closeLater(key, entry, SENDING_LOOK_MS, sendingMs + SENDING_LOOK_MS)
    })
  }

  /** There is no room for another document: those that only wait for a reload are closed now. */
  #closeIdle(): void {
    for (const [key, entry] of this.#entries) if (!isSending(entry)) this.#closeUnused(key, entry)
  }

  /** The queries of one document's tabs over several. */
  #joined(entry: Entry, docs: readonly string[], own: string | undefined): JoinedDocuments {
    const name = [...docs, own].join()
    const known = entry.joined.get(name)
    if (known !== undefined) return known
    const joined: JoinedDocuments = new JoinedDocuments({
      docs,
      own,
      host: this.#platform.host,
      loadSqlite: this.#platform.loadSqlite,
      hold: (doc, listener) => this.#hold(entry, doc, listener),
      takePlace: () => this.#pool.take(),
      onIdle: () => {
        if (entry.joined.get(name) === joined) entry.joined.delete(name)
      },
    })
    entry.joined.set(name, joined)
    return joined
  }

  /** Opens a document of the same user at the same server; it asks the tabs of `by` for tokens when it has none itself. */
  #hold({ user, url, desk }: Entry, doc: string, listener: HoldListener): Hold {
    const key = storageKey(user, doc)
    const entry = this.#entries.get(key) ?? this.#open(key, { doc, user, url })
    entry.cancelIdleClose()
    const holder = { ...listener, desk }
    entry.holders.add(holder)
    return {
      document: entry.document,
      release: () => {
        if (entry.holders.delete(holder)) this.#leave(key, entry)
      },
    }
  }

  #open(key: string, { doc, user, url }: Pick<Open, "doc" | "user" | "url">): Entry {
    const tabs = new Set<TabPort>()
    const holders: Entry["holders"] = new Set()
    const desk = new TokenDesk(this.#platform.host, () => document.poke())
    const meter = this.#devtools?.meter() ?? null
    const document: OpenDocument = new OpenDocument({
      doc,
      user,
      url,
      mutator: this.#mutator,
      platform: meter === null ? this.#platform : meteredPlatform(this.#platform, meter),
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
        if (this.#entries.get(key)?.document === document) this.#entries.delete(key)
        for (const tab of tabs) tab.post({ type: "restarting" })
        for (const holder of holders) holder.onGone()
      },
      onFailed: () => {
        const { host } = this.#platform
        const entry = this.#entries.get(key)
        if (entry === undefined) return
        const sinceReopenMs = host.monotonicMs() - (this.#reopenedMs.get(key) ?? Number.NEGATIVE_INFINITY)
        const reopenMs = sinceReopenMs > REOPEN_PAUSE_MS ? 0 : REOPEN_PAUSE_MS
        host.after(entry.document.wasOpen ? reopenMs : OPEN_AGAIN_MS, () => void this.#reopen(key, entry))
      },
      onReplaced: (error) => {
        for (const tab of tabs) tab.post({ type: "replaced", error: errorToSent(error) })
      },
    })
    const entry: Entry = {
      doc,
      user,
      document,
      desk,
      tabs,
      holders,
      joined: new Map(),
      meter,
      url,
      cancelIdleClose: () => {},
    }
    this.#entries.set(key, entry)
    if (user !== null) this.#closeIfUnused(doc)
    return entry
  }

  /** An anonymous document is closed as soon as no tab shows it: a user who signed in waits for its log. */
  #closeIfUnused(doc: string): void {
    const key = storageKey(null, doc)
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    if ([...entry.tabs].every(({ isShown }) => !isShown)) for (const tab of entry.tabs) tab.post({ type: "released" })
    this.#closeUnused(key, entry)
  }

  /** A user signed in and waits for the anonymous log (T26). */
  #isClaimed({ doc, user }: Entry): boolean {
    return user === null && [...this.#entries.values()].some((other) => other.doc === doc && other.user !== null)
  }

  #closeUnused(key: string, entry: Entry): void {
    if (isUsed(entry) || this.#entries.get(key) !== entry) return
    this.#entries.delete(key)
    this.#reopenedMs.delete(key)
    void entry.document
      .close()
      .catch(() => {}) // it failed before; the next opening recovers
      .then(() => this.#lookForClaim(entry))
  }

  #lookForClaim({ doc, user }: Entry): void {
    if (user !== null) return
    for (const other of this.#entries.values()) if (other.doc === doc) other.document.lookForClaim()
  }

  /** Reopens a failed document from its log: its tabs connect again. */
  async #reopen(key: string, entry: Entry): Promise<void> {
    if (this.#entries.get(key) !== entry) return
    this.#entries.delete(key)
    this.#reopenedMs.set(key, this.#platform.host.monotonicMs())
    await entry.document.close().catch(() => {}) // it failed before; the next opening recovers
    for (const tab of entry.tabs) tab.post({ type: "restarting" })
    for (const holder of [...entry.holders]) holder.onGone()
  }

  /** Development: the page has new mutators, this worker has not. Every tab connects to a new worker. */
  async #restart(sinceMs: number): Promise<void> {
    if (this.#bornMs >= sinceMs) return
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.allSettled(entries.map((entry) => entry.document.close()))
    // Chromium may keep the locks of a worker that closed itself for 30 s. Tabs that reach this worker again retry.
    for (const { tabs } of entries) for (const tab of tabs) tab.post({ type: "restarting" })
    this.#end()
  }
}

function isUsed({ tabs, holders }: Entry): boolean {
  return tabs.size + holders.size > 0
}

/** Changes that the server does not have, and a server that may take them. */
function isSending({ document }: Entry): boolean {
  const { pendingCount, status } = document.state
  return pendingCount > 0 && (status === "connecting" || status === "connected")
}

/** Removes the entries that were added first. */
function forgetOldest<Key>(
  kept: { readonly size: number; keys(): Iterable<Key>; delete(key: Key): boolean },
  max: number,
): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return
    kept.delete(oldest)
  }
}
