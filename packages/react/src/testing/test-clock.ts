import type { Cancel, Host } from "@lf/core/internal"
import { turn } from "./turn.ts"

// Taken before a test installs fake timers: those move the page's time, `advance` moves the devices' and the server's.
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis
const realNowMs = Date.now
const realMonotonicMs = performance.now.bind(performance)

interface Timer {
  readonly atMs: number
  readonly run: () => void
  readonly handle: ReturnType<typeof setTimeout>
}

/** The clock of a test's server and devices. It goes on with the real one, and `advance` moves it at once. */
export class TestClock {
  readonly #startMs: number | null
  #advancedMs = 0
  readonly #timers = new Set<Timer>()
  readonly host: Host

  /** With `startMs` the wall clock stands at it until `advance`; timers go on in real time. */
  constructor(startMs: number | null) {
    this.#startMs = startMs
    this.host = {
      nowMs: () => (this.#startMs ?? realNowMs()) + this.#advancedMs,
      monotonicMs: () => realMonotonicMs() + this.#advancedMs,
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      after: (delayMs, run) => this.#after(delayMs, run),
    }
  }

  /** Moves the clock on, from timer to timer, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#advancedMs + ms
    for (;;) {
      const timer = this.#next()
      const dueMs = timer === null ? endMs : this.#advancedMs + timer.atMs - this.host.monotonicMs()
      if (timer === null || dueMs > endMs) break
      this.#advancedMs = Math.max(this.#advancedMs, dueMs)
      this.#fire(timer)
      await turn()
    }
    this.#advancedMs = Math.max(this.#advancedMs, endMs)
    await turn()
  }

  /** Stops all timers, so that the test's process can end. */
  stop(): void {
    for (const { handle } of this.#timers) stopTimer(handle)
    this.#timers.clear()
  }

  #after(delayMs: number, run: () => void): Cancel {
    const handle = startTimer(() => this.#fire(timer), delayMs)
    const timer: Timer = { atMs: this.host.monotonicMs() + delayMs, run, handle }
    this.#timers.add(timer)
    return () => {
      stopTimer(handle)
      this.#timers.delete(timer)
    }
  }

  #next(): Timer | null {
    let next: Timer | null = null
    for (const timer of this.#timers) if (next === null || timer.atMs < next.atMs) next = timer
    return next
  }

  #fire(timer: Timer): void {
    stopTimer(timer.handle)
    if (this.#timers.delete(timer)) timer.run()
  }
}

/** Milliseconds of real time, whatever timers the test has. */
export function realMs(): number {
  return realMonotonicMs()
}

/** Real time passes: other timers, renders and messages have their turn. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    startTimer(resolve, ms)
  })
}
