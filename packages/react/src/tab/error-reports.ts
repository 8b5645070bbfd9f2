import type { LfError } from "@lf/core"

/** Told of what fails in a document; `mutation` is the name of the one that did. */
export type ErrorListener = (error: LfError, what: { readonly mutation?: string }) => void

/**
 * Where everything goes that fails in a document. In development, what no listener, no callback and no rendered error took
 * is printed with the stack of where it was thrown, so that nothing fails silently (H10).
 */
export class ErrorReports {
  readonly #listeners = new Set<ErrorListener>()
  readonly #readers = { connection: 0, rejections: 0 }

  /** A component renders the connection's error, or the rejections. */
  get isConnectionRead(): boolean {
    return this.#readers.connection > 0
  }

  get isRejectionRead(): boolean {
    return this.#readers.rejections > 0
  }

  /** Returns its undo. */
  listen(listener: ErrorListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** A component renders it from now on. Returns its undo. */
  read(what: "connection" | "rejections"): () => void {
    this.#readers[what]++
    return () => void this.#readers[what]--
  }

  /** `isTaken`: whoever wrote the failing call has it already. */
  report(error: LfError, what: { readonly mutation?: string }, isTaken: boolean): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(error, what)
      } catch (thrown) {
        // An app's listener that throws must not keep others, or the document, from going on.
        reportError(thrown)
      }
    }
    this.printUnlessTaken(error, isTaken)
  }

  /** Development: prints what nobody has. */
  printUnlessTaken(error: LfError, isTaken: boolean): void {
    if (process.env.NODE_ENV !== "development" || isTaken || this.#listeners.size > 0) return
    // Being offline is no fault of the code: the overlay of the bundler stays away.
    if (error.code === "SERVER_UNREACHABLE" || error.code === "SERVER_CLOSING") console.warn(error)
    else console.error(error)
  }
}
