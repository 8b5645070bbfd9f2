import type { DocumentState, Port, TabMessage, WorkerMessage } from "../rpc/protocol.ts"

/** A tab as its worker has it, with what a test must know of it: its document, and the state that was sent last. */
export class WatchedPort implements Port<WorkerMessage, TabMessage> {
  readonly #port: Port<WorkerMessage, TabMessage>
  readonly #onClose: (port: WatchedPort) => void
  readonly #deliveries = new Map<number, () => void>()
  /** The documents that each query reads besides the tab's own. */
  readonly #joined = new Map<number, readonly string[]>()
  #calls = 0
  #say: (message: TabMessage) => void = () => {}
  /** Null: the tab has opened none. */
  doc: string | null = null
  /** Null: nothing was sent yet. */
  state: DocumentState | null = null

  constructor(port: Port<WorkerMessage, TabMessage>, onClose: (port: WatchedPort) => void) {
    this.#port = port
    this.#onClose = onClose
  }

  post(message: WorkerMessage): void {
    if (message.type === "state") this.state = message.state
    if (message.type === "answer" && message.call < 0) this.#delivered(message.call)
    else this.#port.post(message)
  }

  listen(listener: (message: TabMessage) => void): void {
    this.#say = listener
    this.#port.listen((message) => {
      this.#look(message)
      listener(message)
    })
  }

  close(): void {
    for (const call of this.#deliveries.keys()) this.#delivered(call)
    this.#port.close()
    this.#onClose(this)
  }

  /** The documents that its queries join. */
  get joined(): readonly string[] {
    return [...new Set([...this.#joined.values()].flat())]
  }

  /** The network may be back. */
  poke(): void {
    if (this.doc !== null) this.#say({ type: "poke" })
  }

  /** Resolves when the tab was sent the rows of all changes so far, or is gone. */
  delivered(): Promise<void> {
    if (this.doc === null) return Promise.resolve()
    return new Promise((resolve) => {
      // A tab's own calls have positive numbers.
      const call = --this.#calls
      this.#deliveries.set(call, resolve)
      this.#say({ type: "deliver", call })
    })
  }

  #look(message: TabMessage): void {
    if (message.type === "open") {
      this.doc = message.doc
      this.state = null
      this.#joined.clear()
    } else if (message.type === "unsubscribe") this.#joined.delete(message.id)
    else if (message.type === "subscribe" && (message.docs !== undefined || message.own !== undefined)) {
      const { docs = [], own } = message
      this.#joined.set(message.id, own === undefined ? docs : [...docs, own])
    }
  }

  #delivered(call: number): void {
    this.#deliveries.get(call)?.()
    this.#deliveries.delete(call)
  }
}
