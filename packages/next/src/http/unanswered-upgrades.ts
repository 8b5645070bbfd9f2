import type { Duplex } from "node:stream"
import { refuse } from "./refuse-upgrade.ts"

/** Limits of the upgrades that wait for an answer (S20). */
export interface UpgradeLimits {
  readonly upgradeMsMax: number
  readonly unansweredUpgradesPerAddressMax: number
  readonly unansweredUpgradesMax: number
}

interface Waiting {
  readonly server: object
  readonly address: string
  readonly sinceMs: number
  /** Bytes written before the upgrade, on a connection that was used before. */
  readonly bytesBefore: number
}

const LOOKS_PER_LIMIT = 10
const LOOK_MS_MAX = 1_000

/**
 * The upgrades that were left to other listeners of the process. Node gives an upgraded socket no deadline, and a listener may
 * ignore one (Next does, on every path that it does not know): it would stay open forever, also after its client left.
 * A socket counts as answered, and belongs to its listener, as soon as a byte was written to it.
 */
export class UnansweredUpgrades {
  #limits: UpgradeLimits
  readonly #waiting = new Map<Duplex, Waiting>()
  #timer: NodeJS.Timeout | null = null

  constructor(limits: UpgradeLimits) {
    this.#limits = limits
  }

  /** The newest `createLf` of the process sets the limits. */
  set limits(limits: UpgradeLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#waiting.size
  }

  /** The status that an upgrade of this address gets at once; null: it may wait for an answer. */
  refusalOf(address: string): 429 | 503 | null {
    const status = this.#full(address)
    if (status === null) return null
    this.#look()
    return this.#full(address)
  }

  add(socket: Duplex, from: { readonly server: object; readonly address: string }): void {
    this.#waiting.set(socket, { ...from, sinceMs: performance.now(), bytesBefore: bytesWritten(socket) })
    const cutIfUnanswered = () => {
      if (!this.#isAnswered(socket)) socket.destroy()
    }
    socket.on("error", () => {}) // a listener that ignores the socket ignores its errors as well
    socket.once("end", cutIfUnanswered)
    socket.once("finish", cutIfUnanswered)
    socket.once("close", () => this.#remove(socket))
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs()).unref()
  }

  /** A closing server would wait for them. */
  cut(server: object): void {
    for (const [socket, waiting] of this.#waiting) if (waiting.server === server) socket.destroy()
  }

  /** Removes answered sockets, and answers those over the deadline. */
  #look(): void {
    const nowMs = performance.now()
    for (const [socket, { sinceMs }] of this.#waiting) {
      if (this.#isAnswered(socket)) this.#remove(socket)
      else if (nowMs - sinceMs >= this.#limits.upgradeMsMax) {
        this.#remove(socket)
        refuse(socket, { status: 404 })
      }
    }
  }

  #full(address: string): 429 | 503 | null {
    if (this.#waiting.size >= this.#limits.unansweredUpgradesMax) return 503
    let count = 0
    for (const waiting of this.#waiting.values()) if (waiting.address === address) count++
    return count >= this.#limits.unansweredUpgradesPerAddressMax ? 429 : null
  }

  #isAnswered(socket: Duplex): boolean {
    const waiting = this.#waiting.get(socket)
    return waiting === undefined || bytesWritten(socket) > waiting.bytesBefore
  }

  #remove(socket: Duplex): void {
    this.#waiting.delete(socket)
    if (this.#waiting.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #lookMs(): number {
    return Math.min(LOOK_MS_MAX, this.#limits.upgradeMsMax / LOOKS_PER_LIMIT)
  }
}

/** Of a stream without a byte count only the deadline is known. */
function bytesWritten(socket: Duplex): number {
  return "bytesWritten" in socket && typeof socket.bytesWritten === "number" ? socket.bytesWritten : 0
}
