import { type Network, Session } from "@lf/core/internal"
import { Local, MemoryDisk, sql } from "@lf/core/testing"
import { AddTodo, mutator } from "../../app/lf/mutators.ts"
import { loadSqlite } from "../../packages/next/src/node/load-sqlite.ts"
import { nodeHost } from "../../packages/next/src/node/node-host.ts"
import { wsNetwork } from "../../packages/next/src/node/ws-network.ts"
import { eventStreamNetwork } from "../../packages/react/src/platform/browser/event-stream-network.ts"
import type { Operation } from "../history/check.ts"

/** Rows are never deleted here: in the order in which the server made them. */
export const list = sql<{ id: string }>`select id from todos order by rowid`
/** Between two mutations. */
const PAUSE_MS = 6

type Append = Operation & { readonly type: "append" }

export interface ClientOptions {
  readonly pauseMs?: number
  /** By an event stream and requests, as where WebSockets are blocked. */
  readonly isBlocked?: boolean
  /** Instead of a way to a port. */
  readonly network?: Network
  /** Codes that say that the server cannot serve now, and that it is tried again. */
  readonly expected?: readonly string[]
}

/** A user who writes all the time, over a real WebSocket or event stream. */
export class Client {
  readonly local: Local
  readonly sent: string[] = []
  /** What this user did and saw, for the judge. */
  readonly history: Operation[] = []
  readonly #name: string
  /** What must never be seen here: other pages, another epoch. */
  readonly trouble = new Set<string>()
  readonly #timer: ReturnType<typeof setInterval>
  readonly docId: string
  #epoch = ""
  #session: Session
  readonly #options: ClientOptions
  #port: number

  private constructor(local: Local, port: number, docId: string, name: string, options: ClientOptions) {
    this.#name = name
    this.#options = options
    this.local = local
    this.#port = port
    this.docId = docId
    this.#session = this.#connect()
    this.#timer = setInterval(() => this.#add(), options.pauseMs ?? PAUSE_MS)
  }

  static async start(port: number, docId: string, name: string, options: ClientOptions = {}): Promise<Client> {
    const opened = await new MemoryDisk().open(docId)
    const local = new Local({ opened, module: await loadSqlite(), mutator, host: nodeHost, user: null })
    return new Client(local, port, docId, name, options)
  }

  get isConnected(): boolean {
    return this.#session.state.status === "connected"
  }

  /** Connects to the server on this port at once: the last one is dead, or will not answer. */
  turnTo(port: number): void {
    this.#port = port
    this.#session.stop()
    this.#session = this.#connect()
  }

  #connect(): Session {
    const host = `127.0.0.1:${this.#port}/api/lf`
    const { isBlocked, network } = this.#options
    return new Session({
      docId: this.docId,
      local: this.local,
      network: network ?? (isBlocked ? eventStreamNetwork(`http://${host}`) : wsNetwork(`ws://${host}`)),
      host: nodeHost,
      onChange: () => {
        // A killed server is expected: the session reports why it is offline, and tries again.
        const { status, error } = this.#session?.state ?? {}
        const isExpected = error !== undefined && error !== null && this.#options.expected?.includes(error.code)
        if (error && status !== "offline" && !isExpected) this.trouble.add(error.code)
        if (this.#epoch !== "" && this.local.epoch !== this.#epoch) this.trouble.add("a new epoch")
        this.#epoch = this.local.epoch
        this.#look()
      },
    })
  }

  /** Whether a mutation that was made since then is durable. */
  hasWrittenSince(sinceMs: number): boolean {
    return this.writesBetween(sinceMs, Number.POSITIVE_INFINITY).some(({ okAt }) => okAt !== null)
  }

  writesBetween(fromMs: number, toMs: number): Append[] {
    return this.history.flatMap((one) =>
      one.type === "append" && one.invokedAt >= fromMs && one.invokedAt <= toMs ? [one] : [],
    )
  }

  rest(): void {
    clearInterval(this.#timer)
  }

  async stop(): Promise<void> {
    this.rest()
    this.#session.stop()
    await this.local.close()
  }

  #add(): void {
    const id = crypto.randomUUID()
    this.sent.push(id)
    const process = this.#name
    const at = this.history.length
    this.history.push({
      type: "append",
      process,
      value: id,
      invokedAt: performance.now(),
      okAt: null,
      isRefused: false,
    })
    void this.local.run(AddTodo.name, { id, title: "one more" }).remote.then(({ type }) => {
      const answer = { okAt: type === "applied" ? performance.now() : null, isRefused: type === "rejected" }
      this.history[at] = { ...this.history[at], ...answer } as Operation // an append stays one
    })
  }

  /** Notes the server's list when nothing of this user's own is pending. */
  #look(): void {
    if (this.local.pendingCount > 0 || this.local.cursor === 0) return
    const values = this.local.query(list).map(({ id }) => id)
    this.history.push({ type: "read", process: this.#name, values, at: performance.now() })
  }
}
