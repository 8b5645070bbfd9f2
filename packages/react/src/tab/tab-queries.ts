import type { compileQuery } from "@lf/core/internal"
import type { QueryResult, SentError, SentResult, TabMessage } from "../rpc/protocol.ts"

/** Told of each result; `turn`: it answers the refresh of that number and all before, 0 the subscription itself. */
export type ResultListener = (result: SentResult, turn: number | null) => void

/** A live query of the tab's. */
export interface TabSubscription {
  /** Has it run again. The answer comes to the listener with this turn or a later one. */
  refresh(): number
  stop(): void
}

interface Entry {
  readonly query: ReturnType<typeof compileQuery>
  readonly listener: ResultListener
  /** The last refresh that was asked for. */
  turn: number
  /** The worker was asked anew: its first result is a run of now, and answers every turn. */
  isFresh: boolean
}

/** The live queries of one document in this tab: asked for again at every new connection. */
export class TabQueries {
  readonly #entries = new Map<number, Entry>()
  /** Those that were asked something and have no answer yet. */
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

  add(id: number, query: Entry["query"], listener: ResultListener): TabSubscription {
    const entry: Entry = { query, listener, turn: 0, isFresh: true }
    this.#entries.set(id, entry)
    this.#ask(id, entry)
    return {
      refresh: () => {
        entry.turn++
        this.#waiting.add(id)
        // One that waits for its first result will have rows of now.
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

  /** Nobody will answer: an error, never an endless wait (H3). A result that comes all the same replaces it. */
  fail(error: SentError): void {
    this.#waiting.clear()
    for (const { listener, turn } of [...this.#entries.values()]) listener({ type: "error", error }, turn)
  }

  #ask(id: number, { query }: Entry): void {
    this.#waiting.add(id)
    this.#post({ type: "subscribe", id, sql: query.sql, parameters: query.parameters })
  }
}
