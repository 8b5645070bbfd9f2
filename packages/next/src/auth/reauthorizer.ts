import type { ErrorCode } from "@lf/core"
import { type Cancel, type Host, toLfError } from "@lf/core/internal"

/** A connection whose right to be here is asked for again and again. */
export interface AuthorizedConnection {
  readonly user: string | null
  /** Null: it may stay; else why not. */
  ask(): Promise<ErrorCode | null>
  /** The client hears why when it comes back, perhaps with a fresh token. */
  close(code: ErrorCode): void
}

/**
 * Asks again for each connection every `everyMs`, and closes those that were signed out, whose token has expired or that
 * may not read any more, though they ask for nothing (S2, I18). No answer is a no.
 */
export class Reauthorizer {
  readonly #host: Host
  readonly #everyMs: number
  readonly #loops = new Map<AuthorizedConnection, ReauthorizeLoop>()

  constructor(host: Host, everyMs: number) {
    this.#host = host
    this.#everyMs = everyMs
  }

  get size(): number {
    return this.#loops.size
  }

  /** Returns its undo. */
  add(one: AuthorizedConnection): Cancel {
    const loop = new ReauthorizeLoop(one, this.#host, this.#everyMs)
    this.#loops.set(one, loop)
    return () => {
      this.#loops.delete(one)
      loop.stop()
    }
  }

  /** Asks now, for one user's connections or for all. */
  async now(user?: string | null): Promise<void> {
    const loops = Array.from(this.#loops).filter(([one]) => user === undefined || one.user === user)
    await Promise.all(loops.map(([, loop]) => loop.now()))
  }
}

/** One connection's questions: one at a time, and one timer at the most between two of them. */
class ReauthorizeLoop {
  readonly #one: AuthorizedConnection
  readonly #host: Host
  readonly #everyMs: number
  #cancel: Cancel = () => {}
  #running: Promise<void> | null = null
  /** The run after the one that is under way: it answers all that asked meanwhile. */
  #next: Promise<void> | null = null
  #isStopped = false

  constructor(one: AuthorizedConnection, host: Host, everyMs: number) {
    this.#one = one
    this.#host = host
    this.#everyMs = everyMs
    this.#arm()
  }

  /** Resolves after a question that was put after this call. */
  now(): Promise<void> {
    if (this.#next !== null) return this.#next
    if (this.#running === null) return this.#start()
    this.#next = this.#running.then(() => {
      this.#next = null
      return this.#start()
    })
    return this.#next
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  async #start(): Promise<void> {
    if (this.#isStopped) return
    this.#cancel()
    this.#running = this.#run()
    await this.#running
  }

  async #run(): Promise<void> {
    const no = await this.#one.ask().catch((error: unknown) => toLfError(error, "AUTHORIZE_FAILED").code)
    this.#running = null
    if (this.#isStopped) return
    if (no === null) this.#arm()
    else {
      this.#isStopped = true
      this.#one.close(no)
    }
  }

  #arm(): void {
    this.#cancel()
    this.#cancel = this.#host.after(this.#everyMs, () => void this.now())
  }
}
