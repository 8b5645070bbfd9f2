import { type DefinedMutation, LfError, type Query, type Receipt } from "@lf/core"
import { type Cancel, compileQuery, uuidV7 } from "@lf/core/internal"
import { browserHost } from "../platform/browser/browser-host.ts"
import type { DocumentState, Ended, SentError, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent, sentToError } from "../rpc/sent-error.ts"
import { Calls, noAnswer, TICK_MS } from "./calls.ts"
import { countStored } from "./count-stored.ts"
import { DocumentRequests } from "./document-requests.ts"
import { ErrorReports } from "./error-reports.ts"
import type { ConnectOptions, TabDocumentOptions } from "./options.ts"
import { watchPage } from "./page-events.ts"
import { persistence } from "./persistence.ts"
import { ProviderDeadline } from "./provider-deadline.ts"
import { TabPending } from "./tab-pending.ts"
import { TabPresence } from "./tab-presence.ts"
import { type Joined, type ResultListener, TabQueries, type TabSubscription } from "./tab-queries.ts"
import { TabRuns } from "./tab-runs.ts"
import { TabState } from "./tab-state.ts"
import { TokenAnswers } from "./token-answers.ts"
import { type Posted, UndoStack } from "./undo-stack.ts"
import { type Failure, WorkerConnection } from "./worker-connection.ts"

/** Delay after the last user left: StrictMode and fast remounts come back sooner. */
const RELEASE_MS = 1_000
/** The state of a document that no worker serves. */
const AWAY = { isOpen: false, isUpToDate: false, firstSync: null } as const

/**
 * The tab's end of one document of one user: a port to the worker that survives worker restarts and remounts. It is
 * connected by its first user (a query, a call, a provider) and released when it has none.
 */
export class TabDocument {
  readonly doc: string
  readonly user: string | null
  readonly errors = new ErrorReports()
  readonly #options: TabDocumentOptions
  readonly #calls = new Calls()
  readonly #connection: WorkerConnection
  readonly #queries: TabQueries
  readonly #pending: TabPending
  readonly #tokens = new TokenAnswers()
  readonly #known = new TabState()
  readonly requests = new DocumentRequests((make) => this.#call(make))
  readonly presence: TabPresence
  readonly runs: TabRuns
  readonly undo = new UndoStack((mutation, args) => this.#mutate(mutation, args))
  #connect: ConnectOptions | null = null
  #providers = 0
  readonly #id = uuidV7(browserHost.nowMs(), browserHost.randomBytes(10))
  #connections = 0
  #nextId = 1
  /** No worker serves this tab, for this reason: a call now would wait forever. */
  #failure: LfError | null = null
  /** No worker will serve it again: a newer build owns the document, or the user signed out. */
  #ended: LfError | null = null
  #isShown = true
  #stopWatchingPage: () => void = () => {}
  #cancelRelease: Cancel = () => {}
  #cancelTick: Cancel | null = null
  readonly #providerDeadline = new ProviderDeadline(() => {
    const refusal = this.#refusal()
    if (refusal !== null && this.#queries.size > 0) this.#queries.fail(errorToSent(refusal))
  })

  constructor(options: TabDocumentOptions) {
    this.doc = options.doc
    this.user = options.user
    this.#options = options
    this.#connection = new WorkerConnection({
      opened: () => this.#open(),
      received: (message) => this.#receive(message),
      alive: () => this.#calls.markAsked(),
      failed: (error, how) => this.#fail(error, how),
      recovered: () => this.#recover(),
    })
    const post = (message: TabMessage) => this.#connection.post(message)
    this.#queries = new TabQueries(post)
    this.#pending = new TabPending(post, this.#known)
    this.presence = new TabPresence(post)
    this.runs = new TabRuns(post)
    this.#look()
  }

  /** The document's state besides rows. */
  get known(): Pick<TabState, "state" | "pending" | "rejected"> {
    return this.#known
  }

  /** The options of a render: used until a provider has committed. */
  offer(options: ConnectOptions): void {
    if (this.#providers === 0) this.use(options)
  }

  /** The options of a committed provider. */
  use(options: ConnectOptions): void {
    const before = this.#connect
    this.#connect = options
    if (!this.#connection.isOpen) {
      if (this.#isNeeded) this.#ensure()
      return
    }
    if (before?.url !== options.url) this.#connection.reconnect()
    else if ((before.auth === undefined) !== (options.auth === undefined)) {
      this.#connection.post({ type: "auth", hasAuth: options.auth !== undefined })
    }
  }

  /** A provider shows this document. Returns its undo. */
  retain(): () => void {
    this.#providers++
    this.#look()
    return () => {
      this.#providers--
      this.#look()
    }
  }

  watch(watcher: () => void): () => void {
    const stop = this.#known.watch(watcher)
    this.#look()
    return () => {
      stop()
      this.#look()
    }
  }

  watchPending(watcher: () => void): () => void {
    const stop = this.watch(watcher)
    const unwatch = this.#pending.watch()
    return () => {
      unwatch()
      stop()
    }
  }

  subscribe(given: Query<unknown>, listener: ResultListener, joined?: Joined): TabSubscription {
    const { refresh, stop } = this.#queries.add(this.#nextId++, { query: compileQuery(given), joined, listener })
    this.#look()
    // No answer will come: later callers get the error as well.
    const fail = (turn: number) => {
      const failure = this.#failureForQueries
      if (failure !== null) queueMicrotask(() => listener({ type: "error", error: failure }, turn))
    }
    fail(0)
    return {
      refresh: () => {
        const turn = refresh()
        this.#tickWhileWaiting()
        fail(turn)
        return turn
      },
      stop: () => {
        stop()
        this.#look()
      },
    }
  }

  /** Posted at once, in the order of the calls. The promise resolves when the mutation is durable on this device. */
  mutate<Input>(mutation: DefinedMutation<Input>, args: Input): Promise<Receipt> {
    const posted = this.#mutate(mutation, args)
    this.undo.note(posted)
    return posted.receipt
  }

  #mutate<Input>(mutation: DefinedMutation<Input>, args: Input): Posted {
    const uid = uuidV7(browserHost.nowMs(), browserHost.randomBytes(10))
    return { uid, receipt: this.#postMutation(uid, mutation.name, args) }
  }

  #postMutation(uid: string, name: string, args: unknown): Promise<Receipt> {
    const refusal = this.#refusal()
    if (refusal !== null) return Promise.reject(refusal)
    const message: TabMessage = { type: "mutate", uid, name, args }
    try {
      // A copy: the caller's later changes have no effect, also when it is posted again to another worker.
      const sent = structuredClone(message)
      this.#ensure()
      const receipt = this.#calls.openMutation(sent, this.#connection.isAlive)
      this.#connection.post(sent)
      this.#look()
      return receipt
    } catch (cause) {
      const why = `${name}: expected plain data as arguments, got what cannot be sent to the worker`
      return Promise.reject(new LfError("MUTATION_ARGS_INVALID", why, { cause }))
    }
  }

  setOnline(online: boolean): void {
    this.#ensure()
    this.#connection.post({ type: "set-online", online })
  }

  restartWorker(sinceMs: number): void {
    this.#connection.post({ type: "restart", sinceMs })
  }

  /** Open decisions will not be received: too many documents wait for some. */
  forgetFollowed(): void {
    this.#calls.forgetFollowed()
    this.#look()
  }

  /** Settles in any case: a closed provider, a dead worker or a closing page ends it with an error with a code (H1). */
  async #call(make: (call: number) => TabMessage): Promise<unknown> {
    const refusal = this.#refusal()
    if (refusal !== null) throw refusal
    const call = this.#nextId++
    const message = make(call)
    this.#ensure()
    const answer = this.#calls.open(call, message, this.#connection.isAlive)
    this.#connection.post(message)
    this.#look()
    return await answer
  }

  #refusal(): LfError | null {
    const failure = this.#ended ?? this.#failure
    if (failure !== null) return failure
    if (this.#connect !== null) return null
    return new LfError("PROVIDER_MISSING", `no <LfProvider> has opened the document ${this.doc} in this page`)
  }

  /** Why queries get no rows; null: they will. */
  get #failureForQueries(): SentError | null {
    const failure = this.#ended ?? this.#failure
    return failure === null ? null : errorToSent(failure)
  }

  get #isNeeded(): boolean {
    return this.#providers + this.#known.watcherCount + this.#queries.size > 0 || this.#calls.isWaiting
  }

  #ensure(): void {
    if (this.#connect === null || this.#connection.isOpen || this.#ended !== null) return
    // Pages have windows; a rendering server does not connect.
    if (typeof window === "undefined") return
    const { worker } = this.#connect
    this.#stopWatchingPage = watchPage({
      awake: () => {
        this.#connection.retry()
        this.#connection.post({ type: "poke" })
      },
      thawed: () => this.#connection.reconnect(),
    })
    this.#connection.open(() => (this.#connect?.worker ?? worker)())
  }

  /** The document got or lost a user. */
  #look(): void {
    this.#cancelRelease()
    const isShown = this.#providers + this.#known.watcherCount + this.#queries.size > 0
    if (this.#isNeeded) this.#ensure()
    else this.#cancelRelease = browserHost.after(this.#ended === null ? RELEASE_MS : 0, () => this.#release())
    if (isShown && !this.#isShown) {
      this.#isShown = true
      this.#connection.post({ type: "shown", isShown })
    }
    this.#tickWhileWaiting()
    this.#providerDeadline.look(this.#connect === null && this.#queries.size > 0)
  }

  #release(): void {
    if (this.#isNeeded) return
    if (this.#calls.isFollowing && this.#connection.isOpen) {
      this.#isShown = false
      this.#connection.post({ type: "shown", isShown: false })
      this.#options.onFollowing()
      return
    }
    this.#calls.forgetFollowed()
    this.#connection.close()
    this.#stopWatchingPage()
    this.#cancelTick?.()
    this.#providerDeadline.stop()
    this.#known.reset()
    this.#failure = null
    // A replaced tab stays replaced: opened again, this page's old code would take the document back.
    if (this.#ended?.code !== "WORKER_REPLACED") this.#options.onIdle()
  }

  #tickWhileWaiting(): void {
    if (this.#cancelTick !== null || !(this.#calls.isWaiting || this.#queries.isWaiting)) return
    this.#cancelTick = browserHost.after(TICK_MS, () => {
      this.#cancelTick = null
      this.#calls.tick(noAnswer())
      this.#look()
    })
  }

  /** Sends everything that the worker must know, on the first connection and on every later one. */
  #open(): void {
    const options = this.#connect
    if (options === null) return
    const { doc, user } = this
    const { url, auth } = options
    const post = (message: TabMessage) => this.#connection.post(message)
    const connection = ++this.#connections
    post({ type: "open", doc, user, url, hasAuth: auth !== undefined, tab: this.#id, connection })
    if (!this.#isShown) post({ type: "shown", isShown: false })
    // Ahead of the queries, so that their first runs are seen.
    this.runs.askAgain()
    this.#queries.askAgain()
    this.presence.askAgain()
    this.#pending.askAgain()
    if (!this.#known.state.isOnlineWanted) post({ type: "set-online", online: false })
    // With their uids, so that what the old worker kept already is not run twice (T28).
    for (const message of this.#calls.unanswered()) post(message)
  }

  #receive(message: WorkerMessage): void {
    switch (message.type) {
      case "state":
        this.#become(message.state)
        return
      case "pending":
        this.#known.changePending(message.change)
        return
      case "rejected":
        this.#known.changeRejected(message.change)
        return
      case "results":
        this.#options.batch(() => this.#queries.deliver(message.results))
        return
      case "runs":
        this.runs.deliver(message.id, message.runs)
        return
      case "presences":
        this.presence.change(message.change)
        return
      case "mutated":
        this.#calls.settleMutation(message.uid, message.error)
        this.#look()
        return
      case "decided":
        this.#calls.decide(message.outcomes)
        this.#look()
        return
      case "answer":
        this.#calls.settle(message.call, message.value, message.error)
        this.#look()
        return
      case "token-wanted":
        void this.#sendToken(message.ask)
        return
      case "ended":
        this.#end(message)
        return
      case "released":
        this.#calls.forgetFollowed()
        this.#look()
        return
      case "uncaught":
        this.errors.report(sentToError(message.error), {}, false)
    }
  }

  async #sendToken(ask: number): Promise<void> {
    const answer = await this.#tokens.answer(this.#connect?.auth)
    this.#connection.post({ type: "token", ask, answer })
  }

  #fail(error: LfError, how: Failure): void {
    this.#failure = error
    this.#become({ ...AWAY, status: "error", error: errorToSent(error) })
    this.#queries.fail(errorToSent(error))
    if (how !== "silent") this.#calls.failUnasked(error)
    if (how === "final") this.#calls.failAll(noAnswer())
    void countStored(this, this.errors).then((pendingCount) => {
      if (this.#failure !== null && pendingCount !== null) this.#become({ pendingCount })
    })
  }

  #end({ status, error }: Ended): void {
    this.#ended = sentToError(error)
    this.#become({ ...AWAY, status, error })
    this.#queries.fail(error)
    this.#calls.failAll(this.#ended)
    this.#connection.close()
    this.#look()
  }

  #recover(): void {
    this.#failure = null
    this.#become({ status: "connecting", error: null })
  }

  #become(change: Partial<DocumentState>): void {
    const error = this.#known.become(change)
    const { status, pendingCount } = this.#known.state
    if (status === "offline" && pendingCount > 0) persistence.askForWaiting()
    if (error !== null) this.errors.report(sentToError(error), {}, this.errors.isConnectionRead)
  }
}
