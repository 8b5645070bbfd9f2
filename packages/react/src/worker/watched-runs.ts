import type { Local } from "@lf/core/internal"
import type { TabMessage, WorkerMessage } from "../rpc/protocol.ts"
import type { OpenDocument } from "./open-document.ts"
import { watchQueryRuns } from "./query-runs.ts"

/** The live queries whose runs one tab watches: the worker's end of `TabRuns`. */
export class WatchedRuns {
  readonly #document: OpenDocument
  readonly #post: (message: WorkerMessage) => void
  /** Null: watched, and the document is not open yet. */
  readonly #stops = new Map<number, (() => void) | null>()

  constructor(document: OpenDocument, post: (message: WorkerMessage) => void) {
    this.#document = document
    this.#post = post
  }

  async watch({ id, sql, parameters }: Extract<TabMessage, { type: "watch-runs" }>): Promise<void> {
    if (this.#stops.has(id)) return
    this.#stops.set(id, null)
    const watch = (local: Local) => {
      if (this.#stops.get(id) !== null) return
      const stop = watchQueryRuns(local, { sql, parameters }, (runs) => this.#post({ type: "runs", id, runs }))
      this.#stops.set(id, stop)
    }
    // As a subscription waits, and so ahead of one that came later.
    await this.#document.use(watch).catch(() => this.#document.local.then(watch).catch(() => {})) // its queries are sent why
  }

  unwatch(id: number): void {
    this.#stops.get(id)?.()
    this.#stops.delete(id)
  }

  stop(): void {
    for (const id of this.#stops.keys()) this.unwatch(id)
  }
}
