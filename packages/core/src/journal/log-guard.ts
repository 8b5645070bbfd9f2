import { LfError } from "../base/error.ts"

/** The operations of one open log. After an error none is tried again: what was written is known only after reopening (T19). */
export class LogGuard {
  #ended: LfError | null = null
  /** The operations under way; it never rejects. */
  #work: Promise<void> = Promise.resolve()

  /** Why every operation is refused; null: none is. */
  get ended(): LfError | null {
    return this.#ended
  }

  /** Runs an operation, or throws why the log has ended. `toError` makes the reason of what it threw, for all later ones. */
  async run(operation: () => Promise<void>, toError: (error: unknown) => LfError | Promise<LfError>): Promise<void> {
    if (this.#ended !== null) throw this.#ended
    const work = operation()
    const others = this.#work
    this.#work = work.catch(() => {}).then(() => others)
    try {
      await work
    } catch (error) {
      const reason = await toError(error)
      this.#ended ??= reason
      throw this.#ended
    }
  }

  /** Refuses every operation from now on, for the first reason given. */
  end(reason: LfError): void {
    this.#ended ??= reason
  }

  /** Refuses every operation from now on, and resolves when none is under way. */
  async close(): Promise<void> {
    this.end(new LfError("LOG_CLOSED", "the log was closed"))
    await this.#work
  }
}
