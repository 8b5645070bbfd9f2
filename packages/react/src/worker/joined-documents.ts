import { LfError, type Sql } from "@lf/core"
import {
  type Cancel,
  type Host,
  JoinedView,
  type LiveResult,
  type LiveSubscription,
  type LoadSqlite,
  type Local,
  toLfError,
  withTimeout,
} from "@lf/core/internal"
import { noPlace, PLACE_MS_MAX } from "./document-pool.ts"
import type { JoinedParts } from "./joined-probe.ts"
import type { OpenDocument } from "./open-document.ts"

/** A document that stays open until `release`. */
export interface Hold {
  readonly document: OpenDocument
  release(): void
}

/** What the holder of a document is called with. */
export interface HoldListener {
  /** It is closed here, or is another one from now on: hold it again. */
  onGone(): void
  onState(): void
}

export interface JoinOptions {
  readonly docs: readonly string[]
  readonly own: string | undefined
  readonly host: Host
  readonly loadSqlite: LoadSqlite
  hold(doc: string, listener: HoldListener): Hold
  takePlace(): Promise<Cancel>
  /** No query is left. */
  readonly onIdle: () => void
}

interface Joined {
  readonly view: JoinedView
  readonly locals: readonly Local[]
  readonly givePlaceBack: Cancel
}

interface Subscription {
  readonly query: Sql<unknown>
  readonly listener: (result: LiveResult) => void
  live: LiveSubscription | null
  /** Called with the next result. */
  refreshes: (() => void)[]
}

/** The live queries over the same documents: one connection, made when all of them are open, and made anew when one is. */
export class JoinedDocuments {
  readonly #options: JoinOptions
  readonly #subscriptions = new Set<Subscription>()
  readonly #crashed = new Set<string>()
  #holds: Hold[] = []
  #joined: Joined | null = null
  #failure: LfError | null = null
  /** Counts the starts: what an earlier one finds does not count any more. */
  #turn = 0

  constructor(options: JoinOptions) {
    this.#options = options
    this.#start()
  }

  listen(query: Sql<unknown>, listener: (result: LiveResult) => void): LiveSubscription {
    const subscription: Subscription = { query, listener, live: null, refreshes: [] }
    this.#subscriptions.add(subscription)
    if (this.#failure !== null) listener({ type: "error", error: this.#failure })
    else this.#connect(subscription)
    return {
      refresh: (done) => {
        if (subscription.live !== null) subscription.live.refresh(done)
        else if (this.#failure !== null) done()
        else subscription.refreshes.push(done)
      },
      stop: () => {
        subscription.live?.stop()
        if (!this.#subscriptions.delete(subscription) || this.#subscriptions.size > 0) return
        this.#end()
        this.#options.onIdle()
      },
    }
  }

  /** For development tools; null: not all of them are open. */
  get parts(): JoinedParts | null {
    const { docs, own } = this.#options
    return this.#joined === null ? null : { view: this.#joined.view, locals: this.#joined.locals, docs, own }
  }

  get #docs(): readonly string[] {
    const { docs, own } = this.#options
    return own === undefined ? docs : [...docs, own]
  }

  #start(): void {
    this.#end()
    this.#failure = null
    const turn = this.#turn
    const listener = { onGone: () => this.#again(turn), onState: () => this.#look(turn) }
    this.#holds = this.#docs.map((doc) => this.#options.hold(doc, listener))
    this.#look(turn)
    void this.#join(turn)
  }

  /** Not within the call that says so: it may come from the connection itself. */
  #again(turn: number): void {
    queueMicrotask(() => {
      if (turn === this.#turn) this.#start()
    })
  }

  async #join(turn: number): Promise<void> {
    const { docs, own, host, loadSqlite, takePlace } = this.#options
    let givePlaceBack: Cancel = () => {}
    try {
      const locals = await Promise.all(this.#holds.map(({ document }) => document.use((local) => local)))
      const place = takePlace()
      givePlaceBack = () => void place.then((giveBack) => giveBack())
      // Its own connection is one more.
      await withTimeout(host, PLACE_MS_MAX, place, noPlace)
      const module = await loadSqlite()
      if (turn !== this.#turn) return givePlaceBack()
      const documents = docs.map((doc, i) => ({ doc, local: locals[i] }))
      const view = new JoinedView({
        module,
        host,
        documents,
        own: own === undefined ? undefined : { doc: own, local: locals[docs.length] },
        crashed: this.#crashed,
        onCrash: () => this.#again(turn),
      })
      this.#joined = { view, locals, givePlaceBack }
      if (this.#failure === null) for (const subscription of this.#subscriptions) this.#connect(subscription)
    } catch (error) {
      givePlaceBack()
      if (turn === this.#turn) this.#fail(toLfError(error, "WORKER_FAILED"))
    }
  }

  /** A document that may not be read makes the answer wrong, whatever is still here of it. */
  #look(turn: number): void {
    if (turn !== this.#turn) return
    const at = this.#holds.findIndex(({ document }) => document.state.error?.code === "FORBIDDEN")
    if (at >= 0) {
      const doc = this.#docs[at]
      this.#fail(new LfError("FORBIDDEN", `expected documents that this user may read, got ${doc}, which is refused`))
    } else if (this.#failure?.code === "FORBIDDEN") this.#start()
    else this.#retry()
  }

  /** What failed to open may be open by now. */
  #retry(): void {
    const isOpen = this.#holds.every(({ document }) => document.state.isOpen)
    if (this.#failure !== null && this.#failure.code !== "SQL_CRASHED" && isOpen) this.#start()
  }

  #fail(error: LfError): void {
    const isKnown = this.#failure?.code === error.code && this.#failure.message === error.message
    this.#failure = error
    if (isKnown) return
    for (const subscription of this.#subscriptions) {
      subscription.live?.stop()
      subscription.live = null
      subscription.listener({ type: "error", error })
      for (const done of subscription.refreshes.splice(0)) done()
    }
  }

  #connect(subscription: Subscription): void {
    if (this.#joined === null || subscription.live !== null) return
    subscription.live = this.#joined.view.queries.listen(subscription.query, subscription.listener)
    for (const done of subscription.refreshes.splice(0)) subscription.live.refresh(done)
  }

  #end(): void {
    this.#turn++
    for (const subscription of this.#subscriptions) {
      subscription.live?.stop()
      subscription.live = null
    }
    this.#joined?.view.close()
    this.#joined?.givePlaceBack()
    this.#joined = null
    for (const hold of this.#holds.splice(0)) hold.release()
  }
}
