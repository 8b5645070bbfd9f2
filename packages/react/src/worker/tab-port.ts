import { type Local, type RemoteOutcome, toLfError } from "@lf/core"
import type { Port, SentResult, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import type { OpenDocument } from "./open-document.ts"

/** One tab's port, from its `open` on: what it subscribed to, and what it is told. */
export class TabPort {
  readonly #port: Port<WorkerMessage, TabMessage>
  readonly #document: OpenDocument
  readonly #subscriptions = new Map<number, () => void>()
  readonly hasAuth: boolean
  #results: { id: number; result: SentResult }[] = []
  #isStateDue = false
  #watchesPending = false
  #isClosed = false
  #tellToken: (token: string | null) => void = () => {}

  constructor(port: Port<WorkerMessage, TabMessage>, document: OpenDocument, hasAuth: boolean) {
    this.#port = port
    this.#document = document
    this.hasAuth = hasAuth
    this.tellState()
  }

  handle(message: TabMessage): void {
    switch (message.type) {
      case "subscribe":
        this.#withLocal((local) => this.#subscribe(local, message))
        return
      case "unsubscribe":
        this.#subscriptions.get(message.id)?.()
        this.#subscriptions.delete(message.id)
        return
      case "mutate":
        void this.#mutate(message)
        return
      case "follow":
        this.#withLocal((local) => this.#tellDecision(message.uid, local.follow(message.uid).remote))
        return
      case "query":
        void this.#answer(message.call, async () => {
          return (await this.#document.local).query({ sql: message.sql, parameters: message.parameters })
        })
        return
      case "clear":
        void this.#answer(message.call, () => this.#document.clear(message.pending))
        return
      case "watch-pending":
        this.#watchesPending = message.on
        this.tellState()
        return
      case "dismiss":
        this.#withLocal((local) => void local.dismiss(message.uid).catch(() => {})) // a failed log is told by the state
        return
      case "set-online":
        this.#document.setOnline(message.online)
        return
      case "poke":
        this.#document.poke()
        return
      case "token":
        this.#tellToken(message.token)
        return
      default:
        return
    }
  }

  /** Asks the tab for a token; null when it has none or is gone. */
  askToken(): Promise<string | null> {
    return new Promise((resolve) => {
      this.#tellToken = resolve
      this.#port.post({ type: "token-wanted" })
    })
  }

  /** Tells what changed, once for everything that changes in this turn. */
  tellState(): void {
    if (this.#isStateDue || this.#isClosed) return
    this.#isStateDue = true
    queueMicrotask(() => {
      this.#isStateDue = false
      if (this.#isClosed) return
      this.#port.post({ type: "state", state: this.#document.state })
      if (this.#watchesPending) this.#port.post({ type: "pending", pending: this.#document.pending() })
    })
  }

  post(message: WorkerMessage): void {
    if (!this.#isClosed) this.#port.post(message)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tellToken(null)
    for (const stop of this.#subscriptions.values()) stop()
    this.#subscriptions.clear()
    this.#port.close()
  }

  #subscribe(local: Local, { id, sql, parameters }: Extract<TabMessage, { type: "subscribe" }>): void {
    if (this.#isClosed || this.#subscriptions.has(id)) return
    const stop = local.subscribe({ sql, parameters }, (result) => {
      this.#addResult(id, result.type === "error" ? { type: "error", error: errorToSent(result.error) } : result)
    })
    this.#subscriptions.set(id, stop)
  }

  /** Results of one commit go out in one message, so that a tab shows them in one render (I6). */
  #addResult(id: number, result: SentResult): void {
    this.#results.push({ id, result })
    if (this.#results.length > 1) return
    queueMicrotask(() => {
      const results = this.#results
      this.#results = []
      this.post({ type: "results", results })
    })
  }

  async #mutate({ uid, name, args }: Extract<TabMessage, { type: "mutate" }>): Promise<void> {
    try {
      const receipt = (await this.#document.local).run(name, args, uid)
      this.#tellDecision(uid, receipt.remote)
      await receipt.durable
      this.post({ type: "mutated", uid, error: null })
    } catch (error) {
      this.post({ type: "mutated", uid, error: errorToSent(error) })
    }
  }

  #tellDecision(uid: string, remote: Promise<RemoteOutcome>): void {
    void remote.then((outcome) => this.post({ type: "decided", uid, outcome }))
  }

  async #answer(call: number, work: () => Promise<unknown>): Promise<void> {
    try {
      this.post({ type: "answer", call, value: await work(), error: null })
    } catch (error) {
      this.post({ type: "answer", call, value: null, error: errorToSent(toLfError(error, "WORKER_FAILED")) })
    }
  }

  /** A document that cannot be opened is told by its state, to every tab. */
  #withLocal(work: (local: Local) => void): void {
    this.#document.local.then(work, () => {})
  }
}
