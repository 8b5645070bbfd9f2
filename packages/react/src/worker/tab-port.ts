import { LfError, type Outcome } from "@lf/core"
import { type LiveResult, type LiveSubscription, type Local, type RejectionChange, toLfError } from "@lf/core/internal"
import type {
  DocumentOnDevice,
  Ended,
  Port,
  QueryResult,
  SentError,
  SentResult,
  TabMessage,
  WorkerMessage,
} from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import type { JoinedDocuments } from "./joined-documents.ts"
import type { OpenDocument } from "./open-document.ts"
import { PendingFeed } from "./pending-feed.ts"
import type { TokenDesk, TokenSource } from "./token-desk.ts"
import { WatchedRuns } from "./watched-runs.ts"

type Message<Type extends TabMessage["type"]> = Extract<TabMessage, { type: Type }>

/** While a document is being cleared its tabs are sent only these: they repeat their calls at the next one. */
const OUTLIVES_CLEARING: ReadonlySet<WorkerMessage["type"]> = new Set(["decided", "restarting"])

/** What a tab asks of all its user's documents on this device, open or not. */
export interface DocumentsOfUser {
  list(): Promise<readonly DocumentOnDevice[]>
  /** Sends what is pending in any of them. @throws PENDING_REFUSED when something could not be sent */
  sendAll(): Promise<void>
  /**
   * Ends every tab of the user but the one that asks, and deletes the documents; `pending` null: they stay. With "refuse"
   * those stay that have changes which the server does not have.
   * @throws PENDING_REFUSED LOG_OWNED LOG_FAILED
   */
  signOut(pending: "refuse" | "discard" | null, by: TabPort): Promise<void>
}

/** One tab's port, from its `open` on: its subscriptions and messages. Every request is answered once (H1). */
export class TabPort implements TokenSource {
  readonly #tab: string
  readonly #port: Port<WorkerMessage, TabMessage>
  readonly #document: OpenDocument
  readonly #desk: TokenDesk
  /** Null: subscribed, and the document is not open yet. */
  readonly #subscriptions = new Map<number, LiveSubscription | null>()
  readonly #isOverDocs = new Set<number>()
  readonly #runs: WatchedRuns
  readonly #pending = new PendingFeed()
  /** Runs the clear of a call, or returns the call's earlier run. */
  readonly #once: (call: number, clear: () => Promise<void>) => Promise<void>
  readonly #joined: (docs: readonly string[], own: string | undefined) => JoinedDocuments
  readonly #documents: DocumentsOfUser
  hasAuth: boolean
  /** Whether the tab shows the document; if not, it only waits for the server's decisions. */
  isShown = true
  #results: QueryResult[] = []
  #outcomes: { uid: string; outcome: Outcome }[] = []
  #rejections: RejectionChange[] = []
  #isStateDue = false
  #watchesPending = false
  #stopWatching: () => void = () => {}
  #isClosed = false

  constructor(options: {
    tab: string
    port: Port<WorkerMessage, TabMessage>
    document: OpenDocument
    desk: TokenDesk
    hasAuth: boolean
    once: (call: number, clear: () => Promise<void>) => Promise<void>
    joined: (docs: readonly string[], own: string | undefined) => JoinedDocuments
    documents: DocumentsOfUser
  }) {
    this.#tab = options.tab
    this.#port = options.port
    this.#document = options.document
    this.#desk = options.desk
    this.hasAuth = options.hasAuth
    this.#once = options.once
    this.#joined = options.joined
    this.#documents = options.documents
    this.#runs = new WatchedRuns(options.document, (message) => this.post(message))
    this.#desk.add(this)
    this.postState()
    this.postAllRejections()
  }

  handle(message: TabMessage): void {
    switch (message.type) {
      case "subscribe":
        void this.#subscribe(message)
        return
      case "refresh":
        void this.#refresh(message)
        return
      case "unsubscribe":
        this.#subscriptions.get(message.id)?.stop()
        this.#subscriptions.delete(message.id)
        this.#isOverDocs.delete(message.id)
        return
      case "mutate":
        void this.#mutate(message)
        return
      case "follow":
        void this.#follow(message.uids)
        return
      case "query":
        void this.#answer(message.call, (local) => {
          return local.reads.read({ sql: message.sql, parameters: message.parameters })
        })
        return
      case "deliver":
        void this.#answer(message.call, (local) => local.reads.whenDelivered())
        return
      case "dismiss":
        void this.#answer(message.call, (local) => local.dismiss(message.uid))
        return
      case "clear":
        void this.#clear(message)
        return
      case "documents":
        void this.#reply(message.call, () => this.#documents.list())
        return
      case "send-all":
        void this.#reply(message.call, () => this.#documents.sendAll())
        return
      case "sign-out":
        void this.#signOut(message)
        return
      case "watch-runs":
        if (!this.#isClosed) void this.#runs.watch(message)
        return
      case "unwatch-runs":
        this.#runs.unwatch(message.id)
        return
      case "presence":
        this.#document.presences.set(this.#tab, message.value)
        return
      case "watch-presences":
        this.#stopWatching()
        this.#stopWatching = message.on ? this.#watchPresences() : () => {}
        return
      case "watch-pending":
        this.#watchesPending = message.on
        this.#pending.forget()
        this.postState()
        return
      default:
        this.#note(message)
    }
  }

  wantToken(ask: number): void {
    this.post({ type: "token-wanted", ask })
  }

  /** Posts what changed, once for all changes of this turn of the event loop. */
  postState(): void {
    if (this.#isStateDue || this.#isClosed) return
    this.#isStateDue = true
    queueMicrotask(() => {
      this.#isStateDue = false
      if (this.#isClosed) return
      this.post({ type: "state", state: this.#document.state })
      const change = this.#watchesPending ? this.#pending.changeOf(this.#document.pendingParts()) : null
      if (change !== null) this.post({ type: "pending", change })
    })
  }

  postAllRejections(): void {
    this.post({ type: "rejected", change: { type: "all", items: this.#document.rejections } })
  }

  postRejection(change: RejectionChange): void {
    this.#rejections.push(change)
    if (this.#rejections.length > 1) return
    queueMicrotask(() => {
      const changes = this.#rejections
      this.#rejections = []
      const added = changes.flatMap((one) => (one.type === "rejected" ? [one.rejection] : []))
      const removed = changes.flatMap((one) => (one.type === "dismissed" ? [one.uid] : []))
      this.post({ type: "rejected", change: { type: "change", added, removed } })
    })
  }

  post(message: WorkerMessage): void {
    if (this.#isClosed || (this.#document.isCleared && !OUTLIVES_CLEARING.has(message.type))) return
    this.#port.post(message)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#desk.remove(this)
    this.#stopWatching()
    this.#document.presences.set(this.#tab, null)
    for (const subscription of this.#subscriptions.values()) subscription?.stop()
    this.#subscriptions.clear()
    this.#runs.stop()
    this.#port.close()
  }

  /** Messages without an answer. */
  #note(message: TabMessage): void {
    switch (message.type) {
      case "auth":
        this.hasAuth = message.hasAuth
        if (message.hasAuth) {
          this.#desk.add(this)
          this.#document.poke()
        } else this.#desk.remove(this)
        return
      case "token":
        this.#desk.answer(this, message.ask, message.answer)
        return
      case "shown":
        this.isShown = message.isShown
        return
      case "set-online":
        this.#document.setOnline(message.online)
        return
      case "poke":
        this.#document.poke()
        return
      default:
        return
    }
  }

  async #subscribe(message: Message<"subscribe">): Promise<void> {
    const { id, docs, own } = message
    if (this.#isClosed || this.#subscriptions.has(id)) return
    if (docs !== undefined) {
      const post = (result: LiveResult) => this.#addResult({ id, result: sent(result) })
      this.#isOverDocs.add(id)
      this.#subscriptions.set(id, this.#joined(docs, own).listen(message, post))
      return
    }
    this.#subscriptions.set(id, null)
    try {
      await this.#document.use((local) => this.#listen(local, message))
    } catch (error) {
      this.#addResult({ id, result: failed(error) })
      // It may still open: then there are rows.
      const listen = (local: Local) => this.#listen(local, message)
      this.#document.local.then(listen).catch(() => {}) // it was posted above, and again with every state
    }
  }

  #listen(local: Local, { id, sql, parameters }: Message<"subscribe">): void {
    if (this.#isClosed || this.#subscriptions.get(id) !== null) return
    const post = (result: LiveResult) => this.#addResult({ id, result: sent(result) })
    this.#subscriptions.set(id, local.subscribe({ sql, parameters }, post))
  }

  /** All but the tab's own. */
  #watchPresences(): () => void {
    const isOther = (id: string) => !id.endsWith(`/${this.#tab}`)
    return this.#document.presences.watch(({ isAll, changed, gone }) => {
      const change = { isAll, changed: changed.filter(({ id }) => isOther(id)), gone: gone.filter(isOther) }
      if (isAll || change.changed.length + change.gone.length > 0) this.post({ type: "presences", change })
    })
  }

  async #refresh({ id, turn }: Message<"refresh">): Promise<void> {
    const refresh = () =>
      this.#subscriptions.get(id)?.refresh(() => this.#addResult({ id, result: { type: "same" }, turn }))
    try {
      // A query over other documents does not depend on this one.
      if (this.#isOverDocs.has(id)) refresh()
      else await this.#document.use(refresh)
    } catch (error) {
      this.#addResult({ id, result: failed(error), turn })
    }
  }

  /** Posts the results of one commit in one message, so that a tab shows them in one render (I6). */
  #addResult(result: QueryResult): void {
    this.#results.push(result)
    if (this.#results.length > 1) return
    queueMicrotask(() => {
      const results = this.#results
      this.#results = []
      this.post({ type: "results", results })
    })
  }

  async #mutate({ uid, name, args }: Message<"mutate">): Promise<void> {
    try {
      await this.#document.use(async (local) => {
        this.#document.checkNotMoved(local, uid)
        const receipt = local.run(name, args, uid)
        this.#postDecision(uid, receipt.remote)
        await receipt.durable
        // A tab that is answered finds the mutation in the rows that it has.
        await local.reads.whenDelivered()
      })
      this.post({ type: "mutated", uid, error: null })
    } catch (error) {
      this.post({ type: "mutated", uid, error: errorToSent(error) })
    }
  }

  async #follow(uids: readonly string[]): Promise<void> {
    try {
      await this.#document.use((local) => {
        for (const uid of uids) this.#postDecision(uid, local.follow(uid).remote)
      })
    } catch {
      // The tab repeats it on its next connection; decisions are known then.
    }
  }

  #postDecision(uid: string, remote: Promise<Outcome>): void {
    void remote.then((outcome) => {
      this.#outcomes.push({ uid, outcome })
      if (this.#outcomes.length > 1) return
      queueMicrotask(() => {
        const outcomes = this.#outcomes
        this.#outcomes = []
        this.post({ type: "decided", outcomes })
      })
    })
  }

  async #clear({ call, pending }: Message<"clear">): Promise<void> {
    await this.#reply(call, () => this.#once(call, () => this.#document.clear(pending)))
    this.#document.reopen()
  }

  /** The tab that asks ends last: it has its answer by then. */
  async #signOut({ call, pending }: Message<"sign-out">): Promise<void> {
    await this.#reply(call, () => this.#once(call, () => this.#documents.signOut(pending, this)))
    this.end(signedOut())
  }

  /** No worker serves this tab any more. */
  end(end: Ended): void {
    if (!this.#isClosed) this.#port.post({ type: "ended", ...end })
  }

  /** Answers although the document may be closed, or be being cleared. */
  async #reply(call: number, work: () => Promise<unknown>): Promise<void> {
    const answer = (value: unknown, error: SentError | null) => {
      if (!this.#isClosed) this.#port.post({ type: "answer", call, value, error })
    }
    try {
      answer((await work()) ?? null, null)
    } catch (error) {
      answer(null, errorToSent(error))
    }
  }

  async #answer(call: number, work: (local: Local) => unknown): Promise<void> {
    try {
      this.post({ type: "answer", call, value: await this.#document.use(work), error: null })
    } catch (error) {
      this.post({ type: "answer", call, value: null, error: errorToSent(error) })
    }
  }
}

export function signedOut(): Ended {
  const error = new LfError("SIGNED_OUT", "the user signed out on this device; show the page that signs in")
  return { status: "needs-auth", error: errorToSent(error) }
}

function sent(result: LiveResult): SentResult {
  return result.type === "error" ? failed(result.error) : result
}

function failed(error: unknown): SentResult {
  const failure: LfError = toLfError(error, "WORKER_FAILED")
  return { type: "error", error: errorToSent(failure) }
}
