import type { compileQuery } from "@lf/core/internal"
import type { QueryResult, SentError, SentResult, TabMessage } from "../rpc/protocol.ts"

/** Called with each result; `turn`: it answers the refresh of that number and all before, 0 the subscription itself. */
export type ResultListener = (result: SentResult, turn: number | null) => void

/** A live query of the tab's. */
export interface TabSubscription {
  /** Runs it again. The listener gets the answer with this turn or a later one. */
  refresh(): number
  stop(): void
}

/** The documents of a query over several, and the user's own one if it reads that. */
export interface Joined {
  readonly docs: readonly string[]
  readonly own?: string | undefined
}

interface Entry {
  readonly query: ReturnType<typeof compileQuery>
  readonly joined: Joined | undefined
  readonly listener: ResultListener
  /** The last requested refresh. */
  turn: number
  /** Resubscribed: the first result is of a new run, and answers every turn. */
  isFresh: boolean
}

/** The live queries of one document in this tab; resubscribed at every new connection. */
export class TabQueries {
  readonly #entries = new Map<number, Entry>()
  /** Queries that wait for an answer. */
  readonly #waiting = new Set<number>()
  readonly #post: (message: TabMessage) => void

  constructor(post: (message: TabMessage) => void) {
    this.#post = post
  }

  get size(): number {
    return this.#entries.size
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  add(id: number, { query, joined, listener }: Pick<Entry, "query" | "joined" | "listener">): TabSubscription {
    const entry: Entry = { query, joined, listener, turn: 0, isFresh: true }
    this.#entries.set(id, entry)
    this.#ask(id, entry)
    return {
      refresh: () => {
        entry.turn++
        this.#waiting.add(id)
        // A query that waits for its first result will get current rows.
        if (!entry.isFresh) this.#post({ type: "refresh", id, turn: entry.turn })
        return entry.turn
      },
      stop: () => {
        this.#waiting.delete(id)
        if (this.#entries.delete(id)) this.#post({ type: "unsubscribe", id })
      },
    }
  }

  /** On a new connection. */
  askAgain(): void {
    for (const [id, entry] of this.#entries) {
      entry.isFresh = true
      this.#ask(id, entry)
    }
  }

  deliver(results: readonly QueryResult[]): void {
    for (const { id, result, turn = null } of results) {
      const entry = this.#entries.get(id)
      if (entry === undefined) continue
      const isFirst = entry.isFresh
      entry.isFresh = false
      const answered = isFirst ? entry.turn : turn
      if (answered === entry.turn) this.#waiting.delete(id)
      entry.listener(result, answered)
    }
  }

  /** No answer will come: an error, never an endless wait (H3). A later result replaces it. */
  fail(error: SentError): void {
    this.#waiting.clear()
    for (const { listener, turn } of [...this.#entries.values()]) listener({ type: "error", error }, turn)
  }

  #ask(id: number, { query: { sql, parameters }, joined }: Entry): void {
    this.#waiting.add(id)
    this.#post({ type: "subscribe", id, sql, parameters, ...joined })
  }
}
