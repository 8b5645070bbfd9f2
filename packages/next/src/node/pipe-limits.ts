import { BURST_SECONDS, type Limits } from "../limits/limits.ts"
import { RateLimiter } from "../limits/rate-limiter.ts"

/** Of one connection. */
export type PipeLimits = Pick<
  Limits,
  | "idleMsMax"
  | "unreadBytesMax"
  | "stuckBytesMax"
  | "stuckMsMax"
  | "framesPerSecond"
  | "bytesPerSecond"
  | "helloBytesMax"
>

const CHECKS_PER_LIMIT = 5

/** Ends a connection whose other end is silent for too long, or does not read (T23). */
export class PipeChecks {
  readonly #limits: Pick<PipeLimits, "idleMsMax" | "stuckBytesMax" | "stuckMsMax">
  readonly #timer: NodeJS.Timeout
  #receivedAtMs = performance.now()
  /** When it last read something, or had nothing to read. */
  #readAtMs = performance.now()
  #unreadBytes = 0

  constructor(options: {
    readonly limits: Pick<PipeLimits, "idleMsMax" | "stuckBytesMax" | "stuckMsMax">
    unreadBytes(): number
    end(): void
  }) {
    this.#limits = options.limits
    const { idleMsMax, stuckMsMax } = options.limits
    const check = () => {
      if (this.#isOver(options.unreadBytes())) options.end()
    }
    this.#timer = setInterval(check, Math.min(idleMsMax, stuckMsMax) / CHECKS_PER_LIMIT).unref()
  }

  /** Something came. */
  received(): void {
    this.#receivedAtMs = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #isOver(unreadBytes: number): boolean {
    const nowMs = performance.now()
    const { idleMsMax, stuckBytesMax, stuckMsMax } = this.#limits
    if (unreadBytes <= stuckBytesMax || unreadBytes < this.#unreadBytes) this.#readAtMs = nowMs
    this.#unreadBytes = unreadBytes
    return nowMs - this.#readAtMs >= stuckMsMax || nowMs - this.#receivedAtMs >= idleMsMax
  }
}

/** A rate of one connection. */
export function rate(perSecond: number): RateLimiter {
  return new RateLimiter({
    perSecond,
    burst: perSecond * BURST_SECONDS,
    keysMax: 1,
    nowMs: () => performance.now(),
  })
}
