import { AsyncLocalStorage } from "node:async_hooks"
import type { Host } from "@lf/core/internal"
import type { SeededRandom } from "@lf/core/testing"
import { clock } from "./globals.ts"

/** The process whose code runs, if it is a worker's. */
export const running = new AsyncLocalStorage<ProcessHost>()

/** A process's clock. A dead one's timers never fire, a frozen one's when it is awake again. */
export class ProcessHost implements Host {
  static timers = 0
  isAlive = true
  #isFrozen = false
  readonly #held: (() => void)[] = []
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  set isFrozen(isFrozen: boolean) {
    this.#isFrozen = isFrozen
    if (!isFrozen) for (const run of this.#held.splice(0)) this.run(run)
  }

  /** Has this process do it: now, once it is awake, or never. */
  run(run: () => void): void {
    if (!this.isAlive) return
    if (this.#isFrozen) this.#held.push(run)
    else running.run(this, run)
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
      this.run(run)
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
