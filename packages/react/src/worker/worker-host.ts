import type { Mutator } from "@lf/core"
import type { Platform } from "../platform/port.ts"
import type { Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import type { DevtoolsDesk, DevtoolsSource } from "./devtools-desk.ts"
import { ServedDocuments } from "./served-documents.ts"
import { TabPort } from "./tab-port.ts"
import { UserDocuments } from "./user-documents.ts"

/** Newest connections and clears that are remembered; over it the oldest is forgotten. */
const CONNECTIONS_MAX = 1_000
const CLEARS_MAX = 1_000
/** Remembered locks of tabs that are gone; over it the oldest is forgotten. */
const FREE_LOCKS_MAX = 1_000

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

/** The worker's end of all tabs. */
export class WorkerHost {
  readonly #platform: Platform
  readonly #documents: ServedDocuments
  readonly #users: UserDocuments
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
  readonly #devtools: DevtoolsDesk | null

  constructor({ mutator, platform, end, devtools }: WorkerHostOptions) {
    const { host } = platform
    this.#platform = platform
    this.#end = end
    this.#bornMs = host.nowMs()
    this.#livenessLock = platform.holdLivenessLock()
    const documents = () => this.#documents.all.map((served) => ({ ...served, tabs: served.tabs.size }))
    this.#devtools = devtools?.({ host, mutations: mutator.names, documents }) ?? null
    this.#documents = new ServedDocuments({ mutator, platform, devtools: this.#devtools })
    this.#users = new UserDocuments({ mutator, platform, served: this.#documents })
  }

  /** Live queries that run here for tabs. */
  get queryCount(): number {
    return this.#documents.all.reduce((count, { document }) => count + document.queryCount, 0)
  }

  /** Tabs that are served. */
  get tabCount(): number {
    return this.#sessions.size
  }

  /** An uncaught error: sent to every tab, since a worker's own console is hard to find. */
  postUncaught(error: unknown): void {
    const message: WorkerMessage = { type: "uncaught", error: errorToSent(error) }
    for (const { tabs } of this.#documents.all) for (const tab of tabs) tab.post(message)
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
      else if (message.type === "devtools") void this.#answerDevtools(port, message)
      else if (message.type === "ping" && (session !== null || !message.hasOpened)) port.post({ type: "pong" })
      // Its `open` went to a worker that had this port before (T28).
      else if (session === null) port.post({ type: "restarting" })
      else session.handle(message)
    })
    port.post({ type: "alive" })
    void this.#livenessLock.then((lock) => port.post({ type: "life", lock }))
  }

  async #answerDevtools(port: Port<WorkerMessage, TabMessage>, { call, question }: Asked): Promise<void> {
    const reply = await this.#devtools?.answer(question)
    if (reply !== undefined) port.post({ type: "devtools", call, reply })
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
    const served = this.#documents.serve(open)
    const tab: TabPort = new TabPort({
      tab: open.tab,
      port,
      document: served.document,
      desk: served.desk,
      hasAuth: open.hasAuth,
      once: (call, clear) => this.#clearOnce(`${open.tab}/${call}`, clear),
      joined: (docs, own) => this.#documents.joined(served, docs, own),
      documents: this.#users.of(served),
    })
    served.tabs.add(tab)
    let stopWatching: () => void = () => {}
    let hasLeft = false
    const leave = () => {
      hasLeft = true
      if (this.#sessions.get(open.tab) === leave) this.#sessions.delete(open.tab)
      stopWatching()
      tab.close()
      if (served.tabs.delete(tab)) this.#documents.leave(served)
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
      if (message.type === "shown") this.#documents.lookAtShown(served)
    }
    this.#sessions.get(open.tab)?.()
    this.#sessions.set(open.tab, leave)
    this.#connections.delete(open.tab)
    this.#connections.set(open.tab, open.connection)
    forgetOldest(this.#connections, CONNECTIONS_MAX)
    return { handle, leave, watch }
  }

  /** Development: the page has new mutators, this worker has not. Every tab connects to a new worker. */
  async #restart(sinceMs: number): Promise<void> {
    if (this.#bornMs >= sinceMs) return
    await this.retire()
    this.#end()
  }

  /** Closes the documents; every tab connects again, to another worker. */
  async retire(): Promise<void> {
    const { all } = this.#documents
    await this.#documents.closeAll()
    // Chromium may keep the locks of a worker that closed itself for 30 s. Tabs that reach this worker again retry.
    for (const { tabs } of all) for (const tab of tabs) tab.post({ type: "restarting" })
  }
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
