import { compileQuery, type DefinedMutation, LfError, type Query, toLfError, uuidV7 } from "@lf/core"
import { browserHost } from "../browser/browser-host.ts"
import { holdLife, watchLife } from "../browser/ownership.ts"
import {
  type DocumentState,
  type PendingMutation,
  type Port,
  portOf,
  type SentError,
  type SentResult,
  type TabMessage,
  type WorkerMessage,
} from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import { askToPersist } from "./ask-to-persist.ts"
import { Calls, type Receipt } from "./calls.ts"
import { INITIAL_STATE, nextState } from "./document-state.ts"
import { makeWorker } from "./make-worker.ts"

/** A worker that has not said it is alive by then counts as failed; it may still come. */
const ALIVE_MS_MAX = 10_000
/** Asked again sooner: a browser may connect us to a worker that is about to end, which nobody is told. */
const ASK_AGAIN_MS = 2_000
/** After the last user is gone: StrictMode and fast remounts come back sooner. */
const RELEASE_MS = 1_000

export interface TabDocumentOptions {
  readonly doc: string
  readonly user: string | null
}

export interface ConnectOptions {
  readonly worker: () => SharedWorker
  readonly url: string
  readonly auth: (() => Promise<string | null>) | undefined
}

interface Subscription {
  readonly query: ReturnType<typeof compileQuery>
  readonly listener: (result: SentResult) => void
}

let life: Promise<string | null> | undefined

/** One lock for the whole tab, whatever it opens. */
function lifeOfTab(): Promise<string | null> {
  life ??= holdLife()
  return life
}

/** The tab's end of one document: a port to the worker that outlives the worker's death and every remount. */
export class TabDocument {
  readonly doc: string
  readonly user: string | null
  readonly #calls = new Calls()
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #watchers = new Set<() => void>()
  readonly #batches = new Set<(run: () => void) => void>()
  #pendingWatchers = 0
  #options: ConnectOptions | null = null
  #port: Port<TabMessage, WorkerMessage> | null = null
  #users = 0
  #nextId = 1
  #state: DocumentState = INITIAL_STATE
  #pending: readonly PendingMutation[] = []
  #stopWatching: () => void = () => {}
  #stopAlive: () => void = () => {}
  #stopRelease: () => void = () => {}
  #isReplaced = false
  #silentMs = 0
  /** The worker's, that we saw free: it is gone, or the site's data was cleared and we have other locks than it has. */
  #freeLock: string | null = null
  #stopExpecting: () => void = () => {}
  /** It was not loaded, or did not say that it is alive: what is asked now would wait for ever. */
  #isWorkerGone = false

  constructor({ doc, user }: TabDocumentOptions) {
    this.doc = doc
    this.user = user
  }

  get state(): DocumentState {
    return this.#state
  }

  get pending(): readonly PendingMutation[] {
    return this.#pending
  }

  get isConnected(): boolean {
    return this.#port !== null
  }

  /** A provider shows this document: connects if nobody did. Returns its undo. */
  retain(options: ConnectOptions): () => void {
    this.#options = options
    this.#users++
    this.#stopRelease()
    if (this.#port === null && !this.#isReplaced) this.#connect()
    return () => {
      this.#users--
      if (this.#users === 0) this.#stopRelease = browserHost.after(RELEASE_MS, () => this.#disconnect())
    }
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  watchPending(watcher: () => void): () => void {
    this.#pendingWatchers++
    if (this.#pendingWatchers === 1) this.#post({ type: "watch-pending", on: true })
    const stop = this.watch(watcher)
    return () => {
      stop()
      this.#pendingWatchers--
      if (this.#pendingWatchers === 0) this.#post({ type: "watch-pending", on: false })
    }
  }

  /** Wraps the delivery of one commit's results, so that they become one render. */
  batchWith(batch: (run: () => void) => void): void {
    this.#batches.add(batch)
  }

  subscribe(query: Query<unknown>, listener: (result: SentResult) => void): () => void {
    const id = this.#nextId++
    const subscription: Subscription = { query: compileQuery(query), listener }
    this.#subscriptions.set(id, subscription)
    this.#sendSubscription(id, subscription)
    const { error, isOpen } = this.#state
    // Nobody will answer: whoever asks late is told as well.
    if (error !== null && !isOpen) queueMicrotask(() => listener({ type: "error", error }))
    return () => {
      this.#subscriptions.delete(id)
      this.#post({ type: "unsubscribe", id })
    }
  }

  /** Posted at once, in the order of the calls. The promise resolves when the mutation is durable on this device. */
  mutate<Input>(mutation: DefinedMutation<Input>, args: Input): Promise<Receipt> {
    if (this.#isReplaced || this.#isWorkerGone) return Promise.reject(this.#error())
    askToPersist()
    const uid = uuidV7(browserHost.nowMs(), browserHost.randomBytes(10))
    const receipt = this.#calls.openMutation({ type: "mutate", uid, name: mutation.name, args })
    try {
      this.#post({ type: "mutate", uid, name: mutation.name, args })
      this.#expectAnswer()
    } catch (cause) {
      this.#calls.forget(uid)
      return Promise.reject(
        new LfError("MUTATION_ARGS_INVALID", "the arguments cannot be sent to the worker", { cause }),
      )
    }
    return receipt
  }

  query<R>(query: Query<R>): Promise<R[]> {
    const { sql, parameters } = compileQuery(query)
    return this.#call((call) => ({ type: "query", call, sql, parameters })) as Promise<R[]> // the author's assertion
  }

  setOnline = (online: boolean): void => {
    this.#post({ type: "set-online", online })
  }

  dismiss(uid: string): void {
    this.#post({ type: "dismiss", uid })
  }

  async clear(pending: "refuse" | "discard"): Promise<void> {
    await this.#call((call) => ({ type: "clear", call, pending }))
  }

  poke(): void {
    this.#post({ type: "poke" })
  }

  /** The page was frozen and thawed: what the worker told meanwhile went nowhere, and it may be another one by now. */
  reconnect(): void {
    this.#post({ type: "close" })
    this.#reconnect()
  }

  restartWorker(sinceMs: number): void {
    this.#post({ type: "restart", sinceMs })
  }

  #call(make: (call: number) => TabMessage): Promise<unknown> {
    if (this.#isReplaced || this.#isWorkerGone) return Promise.reject(this.#error())
    const call = this.#nextId++
    const message = make(call)
    const answer = this.#calls.open(call, message)
    this.#post(message)
    return answer
  }

  #connect(): void {
    if (this.#options === null) return
    this.#stopAlive = browserHost.after(ASK_AGAIN_MS, () => this.#askAgain())
    try {
      const worker = makeWorker(this.#options.worker)
      worker.onerror = () => this.#fail("WORKER_FAILED", "the worker could not be loaded", "for good")
      const port = portOf<TabMessage, WorkerMessage>(worker.port)
      this.#port = port
      port.listen((message) => this.#receive(message))
      this.#open()
    } catch (error) {
      const { code, message } = toLfError(error, "UNSUPPORTED")
      this.#fail(code, message, "for good")
    }
  }

  #askAgain(): void {
    this.#silentMs += ASK_AGAIN_MS
    if (this.#silentMs === ALIVE_MS_MAX) this.#fail("WORKER_FAILED", "the worker does not answer")
    this.reconnect()
  }

  /** Says everything again that the worker must know: on the first connection and on every later one. */
  #open(): void {
    const options = this.#options
    if (options === null) return
    const { doc, user } = this
    const { url, auth } = options
    this.#post({ type: "open", doc, user, url, hasAuth: auth !== undefined })
    void lifeOfTab().then((lock) => {
      if (lock !== null) this.#post({ type: "life", lock })
    })
    for (const [id, subscription] of this.#subscriptions) this.#sendSubscription(id, subscription)
    if (this.#pendingWatchers > 0) this.#post({ type: "watch-pending", on: true })
    if (!this.#state.isOnlineWanted) this.#post({ type: "set-online", online: false })
    // With their uids: what the old worker kept already is not run twice (T28).
    for (const message of this.#calls.unanswered()) this.#post(message)
  }

  #sendSubscription(id: number, { query }: Subscription): void {
    this.#post({ type: "subscribe", id, sql: query.sql, parameters: query.parameters })
  }

  /** Locks can outlive their worker: after long silence it is looked for again, and asked with the same uids (T28). */
  #expectAnswer(): void {
    this.#stopExpecting()
    if (this.#calls.isWaiting) this.#stopExpecting = browserHost.after(ALIVE_MS_MAX, () => this.reconnect())
  }

  #receive(message: WorkerMessage): void {
    this.#expectAnswer()
    switch (message.type) {
      case "alive":
        this.#isWorkerGone = false
        return
      case "life":
        // Not before: from now on we learn of its end.
        this.#stopAlive()
        this.#silentMs = 0
        this.#stopWatching()
        this.#watchWorker(message.lock)
        return
      case "state":
        this.#become(message.state)
        return
      case "pending":
        this.#pending = message.pending
        this.#tell()
        return
      case "results":
        this.#deliver(message.results)
        return
      case "mutated":
        this.#calls.settleMutation(message.uid, message.error)
        return
      case "decided":
        this.#calls.decide(message.uid, message.outcome)
        return
      case "answer":
        this.#calls.settle(message.call, message.value, message.error)
        return
      case "token-wanted":
        void this.#sendToken()
        return
      case "replaced":
        this.#isReplaced = true
        this.#become({ status: "needs-update", error: message.error })
        this.#calls.failAll(sentToError(message.error))
        return
      case "restarting":
        this.#reconnect()
        return
      default:
        return
    }
  }

  /** The end of whoever holds `lock` is learnt at once. If it answers all the same, its locks are out of our sight. */
  #watchWorker(lock: string | null): void {
    if (lock === null || lock === this.#freeLock) return
    this.#stopWatching = watchLife(lock, () => {
      this.#freeLock = lock
      this.#reconnect()
    })
  }

  #deliver(results: readonly { id: number; result: SentResult }[]): void {
    let run = () => {
      for (const { id, result } of results) this.#subscriptions.get(id)?.listener(result)
    }
    for (const batch of this.#batches) {
      const inner = run
      run = () => batch(inner)
    }
    run()
  }

  async #sendToken(): Promise<void> {
    let token: string | null = null
    try {
      token = (await this.#options?.auth?.()) ?? null
    } finally {
      this.#post({ type: "token", token })
    }
  }

  #reconnect(): void {
    if (this.#isReplaced || this.#port === null) return
    this.#hangUp()
    this.#connect()
  }

  #disconnect(): void {
    if (this.#users > 0) return
    this.#post({ type: "close" })
    this.#hangUp()
    this.#state = INITIAL_STATE
  }

  #hangUp(): void {
    this.#stopWatching()
    this.#stopAlive()
    this.#stopExpecting()
    this.#port?.close()
    this.#port = null
  }

  #post(message: TabMessage): void {
    this.#port?.post(message)
  }

  /** For good: nothing that was asked can have happened. Otherwise the worker may still come and do it. */
  #fail(code: LfError["code"], message: string, how: "for now" | "for good" = "for now"): void {
    this.#stopAlive()
    this.#isWorkerGone = true
    this.#become({ status: "error", error: { code, message } })
    if (how === "for good") this.#calls.failAll(this.#error())
  }

  #error(): LfError {
    return sentToError(this.#state.error ?? { code: "WORKER_REPLACED", message: "load this page again" })
  }

  #become(change: Partial<DocumentState>): void {
    this.#state = nextState(this.#state, change)
    const { error, isOpen } = this.#state
    if (error !== null && !isOpen) this.#failQueries(error)
    this.#tell()
  }

  /** A document that cannot be opened has no rows to wait for: an error, never an endless wait. */
  #failQueries(error: SentError): void {
    for (const { listener } of this.#subscriptions.values()) listener({ type: "error", error })
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
