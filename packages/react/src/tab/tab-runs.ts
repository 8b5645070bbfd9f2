import type { Sql } from "@lf/core"
import type { TabMessage } from "../rpc/protocol.ts"
import type { QueryRuns } from "../rpc/query-runs.ts"

interface Watched {
  readonly query: Sql<unknown>
  readonly listener: (runs: QueryRuns) => void
}

/** The live queries of one document whose runs this tab watches; asked for at every new connection. */
export class TabRuns {
  readonly #watched = new Map<number, Watched>()
  readonly #post: (message: TabMessage) => void
  #nextId = 1

  constructor(post: (message: TabMessage) => void) {
    this.#post = post
  }

  /** Returns its undo. */
  watch(query: Sql<unknown>, listener: (runs: QueryRuns) => void): () => void {
    const id = this.#nextId++
    this.#watched.set(id, { query, listener })
    this.#ask(id, query)
    return () => {
      this.#watched.delete(id)
      this.#post({ type: "unwatch-runs", id })
    }
  }

  askAgain(): void {
    for (const [id, { query }] of this.#watched) this.#ask(id, query)
  }

  deliver(id: number, runs: QueryRuns): void {
    this.#watched.get(id)?.listener(runs)
  }

  #ask(id: number, { sql, parameters }: Sql<unknown>): void {
    this.#post({ type: "watch-runs", id, sql, parameters })
  }
}
