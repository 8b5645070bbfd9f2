import type { LfError } from "@lf/core"

/** Called with each failure in a document; `mutation` is the name of the one that failed. */
export type ErrorListener = (error: LfError, what: { readonly mutation?: string }) => void

/**
 * Receives every failure in a document. In development, an error that no listener, callback or render handled is
 * printed with its original stack, so that nothing fails silently (H10).
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

  /** `isTaken`: the failing call's own code handles it already. */
  report(error: LfError, what: { readonly mutation?: string }, isTaken: boolean): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(error, what)
      } catch (thrown) {
        // A listener that throws must not stop the others, or the document.
        reportError(thrown)
      }
    }
    this.printUnlessTaken(error, isTaken)
  }

  /** Development: prints an error that nothing handles. */
  printUnlessTaken(error: LfError, isTaken: boolean): void {
    if (process.env.NODE_ENV !== "development") return
    // For the developer, whatever the app does with errors: it has nothing that a user could see.
    const isForDeveloper = error.code === "MUTATION_UNREPEATABLE"
    if (!isForDeveloper && (isTaken || this.#listeners.size > 0)) return
    // Offline is no fault of the code: console.warn does not open the bundler's overlay.
    if (error.code === "SERVER_UNREACHABLE" || error.code === "SERVER_CLOSING") console.warn(error)
    else console.error(error)
  }
}
