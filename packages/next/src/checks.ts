import { type Cancel, type ErrorCode, type Host, toLfError } from "@lf/core"

/** A connection whose right to be here is asked for again and again. */
export interface Checked {
  readonly user: string | null
  /** Null: it may stay; else why not. */
  ask(): Promise<ErrorCode | null>
  /** The client hears why when it comes back, perhaps with a fresh token. */
  close(code: ErrorCode): void
}

/**
 * Who is signed out, whose token has expired or who may not read any more is sent away within `everyMs`, though it asks
 * for nothing (S2, I18). No answer is a no.
 */
export class Checks {
  readonly #host: Host
  readonly #everyMs: number
  readonly #checkByOne = new Map<Checked, () => Promise<void>>()

  constructor(host: Host, everyMs: number) {
    this.#host = host
    this.#everyMs = everyMs
  }

  /** Returns its undo. */
  add(one: Checked): Cancel {
    let cancel: Cancel = () => {}
    const check = async () => {
      cancel()
      const no = await one.ask().catch((error: unknown) => toLfError(error, "AUTHORIZE_FAILED").code)
      if (!this.#checkByOne.has(one)) return
      if (no === null) cancel = this.#host.after(this.#everyMs, check)
      else one.close(no)
    }
    this.#checkByOne.set(one, check)
    cancel = this.#host.after(this.#everyMs, check)
    return () => {
      this.#checkByOne.delete(one)
      cancel()
    }
  }

  /** Asks now, for one user's connections or for all. */
  async now(user?: string | null): Promise<void> {
    const checks = Array.from(this.#checkByOne).filter(([one]) => user === undefined || one.user === user)
    await Promise.all(checks.map(([, check]) => check()))
  }
}
