import { type DefinedMutation, sql } from "@lf/core"
import type { DocumentState, SentResult, TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import { INITIAL_STATE } from "../tab/document-state.ts"
import type { ConnectOptions } from "../tab/options.ts"
import { TabDocument } from "../tab/tab-document.ts"

/** A worker that was made for a tab: what the tab posted to it, and what it sends. */
class FakeWorker {
  readonly posted: TabMessage[] = []
  isClosed = false
  /** It answers no ping: dead, though its lock is not free. */
  isSilent = false
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: (() => void) | null = null
  readonly port = this

  postMessage(message: TabMessage): void {
    if (message.type !== "ping") this.posted.push(message)
    else if (!this.isSilent) this.say({ type: "pong" })
  }

  close(): void {
    this.isClosed = true
  }

  say(...messages: WorkerMessage[]): void {
    for (const data of messages) this.onmessage?.({ data })
  }

  /** Sends that it is alive, and serves the tab. */
  live(): void {
    this.say({ type: "alive" }, { type: "life", lock: null })
  }

  sayState(state: Partial<DocumentState>): void {
    this.say({ type: "state", state: { ...INITIAL_STATE, isOpen: true, ...state } })
  }

  /** The posted messages of these types. */
  of<Type extends TabMessage["type"]>(type: Type): Extract<TabMessage, { type: Type }>[] {
    return this.posted.filter((message) => message.type === type) as never // they have that type
  }

  get types(): string[] {
    return this.posted.map(({ type }) => type)
  }
}

export const Add: DefinedMutation<unknown> = { name: "Add", parse: (args) => args, run: () => {} }

/** A tab's document, the workers that were made for it, and what was received of it. */
export class TabScene {
  readonly workers: FakeWorker[] = []
  readonly received: string[] = []
  readonly results: [SentResult, number | null][] = []
  readonly document: TabDocument

  constructor({ user = null }: { user?: string | null } = {}) {
    this.document = new TabDocument({
      doc: "d",
      user,
      batch: (run) => {
        this.received.push("batch")
        run()
      },
      onIdle: () => this.received.push("idle"),
      onFollowing: () => this.received.push("following"),
    })
    this.document.errors.listen(({ code }) => this.received.push(`error ${code}`))
  }

  options(change: Partial<ConnectOptions> = {}): ConnectOptions {
    const worker = () => {
      const made = new FakeWorker()
      this.workers.push(made)
      return made as unknown as SharedWorker // all that a tab uses of one
    }
    return { worker, url: "http://a/lf", auth: undefined, ...change }
  }

  /** The worker that was made last. */
  get worker(): FakeWorker {
    return this.workers[this.workers.length - 1]
  }

  count(what: string): number {
    return this.received.filter((one) => one === what).length
  }

  subscribe() {
    return this.document.subscribe(sql`select 1`, (result, turn) => this.results.push([result, turn]))
  }
}

/** Every way in which a promise settled: its value, or its error's code. */
export function noted(promise: Promise<unknown>): unknown[] {
  const ways: unknown[] = []
  promise.then(
    (value) => ways.push(value),
    (error: { code: string }) => ways.push(error.code),
  )
  return ways
}
