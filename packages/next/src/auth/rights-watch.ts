import { AsyncLocalStorage } from "node:async_hooks"
import type { Cancel } from "@lf/core/internal"
import { processGlobal } from "../process/globals.ts"

/**
 * What `authorize` read of documents to answer for one connection. When a page of it changes, the answer may be another,
 * so `onChanged` is called (I18).
 */
export class RightsWatch {
  readonly #onChanged: () => void
  #stops: Cancel[] = []
  /** Counts the answers: what a read for an earlier one finds does not count any more. */
  #turn = 0

  constructor(onChanged: () => void) {
    this.#onChanged = onChanged
  }

  /** Runs `ask`, whose reads are watched instead of those before. */
  during<T>(ask: () => Promise<T>): Promise<T> {
    this.stop()
    const turn = this.#turn
    const reads: WatchedReads = {
      onChanged: () => {
        if (turn === this.#turn) this.#onChanged()
      },
      add: (stop) => {
        if (turn === this.#turn) this.#stops.push(stop)
        else stop()
      },
    }
    return current().run(reads, ask)
  }

  stop(): void {
    this.#turn++
    for (const stop of this.#stops.splice(0)) stop()
  }
}

/** A read on behalf of `authorize`: calls `onChanged` when it would have other rows, until `add`'s undo runs. */
export interface WatchedReads {
  readonly onChanged: () => void
  add(stop: Cancel): void
}

/** Null: not below `authorize`, so the read is not watched. */
export function watchedReads(): WatchedReads | null {
  return current().getStore() ?? null
}

/** Runs what goes on for others too, as a document's loop: its own reads are not those of `authorize`. */
export function unwatched<T>(work: () => T): T {
  return current().run(null, work)
}

function current(): AsyncLocalStorage<WatchedReads | null> {
  return processGlobal("watchedReads", () => new AsyncLocalStorage<WatchedReads | null>())
}
