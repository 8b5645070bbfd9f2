import type { Host } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import { clock } from "./globals.ts"

/** A process's clock. A dead one's timers never fire. */
export class ProcessHost implements Host {
  static timers = 0
  isAlive = true
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  nowMs(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  randomBytes(count: number): Uint8Array {
    return this.#random.bytes(count)
  }

  after(delayMs: number, run: () => void): () => void {
    let isWaiting = true
    const ended = () => {
      if (isWaiting) ProcessHost.timers--
      isWaiting = false
    }
    const timer = setTimeout(() => {
      ended()
      if (this.isAlive) run()
    }, delayMs)
    ProcessHost.timers++
    return () => {
      ended()
      clearTimeout(timer)
    }
  }

  yieldToLoop(): Promise<void> {
    return new Promise((resolve) => this.after(0, resolve))
  }
}

/** Timers that run on the page, not in its worker nor at the server. */
export function pageTimers(): number {
  return clock.countTimers() - ProcessHost.timers
}
