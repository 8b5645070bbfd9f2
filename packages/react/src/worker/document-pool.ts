import { LfError } from "@lf/core"
import { type Cancel, deferred } from "@lf/core/internal"

/** Documents and joined queries that are open at a time: Chromium refuses about the 124th wasm instance, closed ones included. */
export const OPEN_DOCUMENTS_MAX = 64
/** Who waits for room this long gets an error. */
export const PLACE_MS_MAX = 30_000

/** The room for open documents in one worker. Over the limit an opening waits until another document is closed. */
export class DocumentPool {
  readonly #max: number
  /** Called when an opening has to wait: what is open and unused can be closed. */
  readonly #onFull: () => void
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(onFull: () => void, max = OPEN_DOCUMENTS_MAX) {
    this.#onFull = onFull
    this.#max = max
  }

  /** Resolves, in the order of the calls, to what gives the place back. */
  async take(): Promise<Cancel> {
    if (this.#taken < this.#max) this.#taken++
    else {
      // A place that is given back is handed on.
      const { promise, resolve } = deferred<void>()
      this.#waiting.push(resolve)
      this.#onFull()
      await promise
    }
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#taken--
      else next()
    }
  }
}

export function noPlace(): LfError {
  const why = `expected at most ${OPEN_DOCUMENTS_MAX} documents in use, got one more: it opens when another is closed`
  return new LfError("DOCS_OPEN_LIMIT", why)
}
