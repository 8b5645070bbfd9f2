import type { ErrorCode } from "@lf/core"
import { type Cancel, type Host, toLfError } from "@lf/core/internal"

/** A connection that is authorized again periodically. */
export interface AuthorizedConnection {
  readonly user: string | null
  /** Null: the connection stays; else the reason to close it. */
  ask(): Promise<ErrorCode | null>
  /** Closes with the reason; the client may reconnect, perhaps with a fresh token. */
  close(code: ErrorCode): void
}

/** Between a change of what `authorize` read and its next answer. */
const SOON_MS = 50

/**
 * Re-authorizes each connection every `everyMs`, also while it is idle, and closes those whose user signed out, whose
 * token expired or that may not read any more; a timeout denies (S2, I18).
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

  /** Re-authorizes one connection soon: changes that come together cost one answer. */
  soon(one: AuthorizedConnection): void {
    this.#loops.get(one)?.soon()
  }

  /** Re-authorizes at once, one user's connections or all. */
  async now(user?: string | null): Promise<void> {
    const loops = Array.from(this.#loops).filter(([one]) => user === undefined || one.user === user)
    await Promise.all(loops.map(([, loop]) => loop.now()))
  }
}

/** Rechecks of one connection: one at a time, and at most one timer between two. */
class ReauthorizeLoop {
  readonly #one: AuthorizedConnection
  readonly #host: Host
  readonly #everyMs: number
  #cancel: Cancel = () => {}
  #running: Promise<void> | null = null
  /** The run after the current one; it serves all calls that came meanwhile. */
  #next: Promise<void> | null = null
  #isStopped = false
  #isSoon = false

  constructor(one: AuthorizedConnection, host: Host, everyMs: number) {
    this.#one = one
    this.#host = host
    this.#everyMs = everyMs
    this.#arm()
  }

  /** Resolves after a recheck that began after this call. */
  now(): Promise<void> {
    if (this.#next !== null) return this.#next
    if (this.#running === null) return this.#start()
    this.#next = this.#running.then(() => {
      this.#next = null
      return this.#start()
    })
    return this.#next
  }

  soon(): void {
    if (this.#isSoon || this.#isStopped) return
    this.#isSoon = true
    this.#cancel()
    this.#cancel = this.#host.after(SOON_MS, () => void this.now())
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  async #start(): Promise<void> {
    if (this.#isStopped) return
    this.#cancel()
    this.#isSoon = false
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
