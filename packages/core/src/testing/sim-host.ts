import type { Cancel, Host } from "../base/host.ts"
import type { SeededRandom } from "./seeded-random.ts"

/** When every run begins, on the clocks of machines that go right. */
const START_MS = 1_750_000_000_000

interface Event {
  readonly atMs: number
  /** Events of one moment happen in the order in which they were asked for. */
  readonly order: number
  readonly run: () => void
}

/** Virtual time: a queue of what happens next. */
export class SimClock {
  nowMs = 0
  #order = 0
  /** The next one is the last. */
  readonly #queue: Event[] = []

  after(delayMs: number, run: () => void): Cancel {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run }
    let [low, high] = [0, this.#queue.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      // An equal time is before us: what was asked for earlier happens earlier.
      if (this.#queue[middle].atMs > event.atMs) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, event)
    return () => {
      const at = this.#queue.indexOf(event)
      if (at !== -1) this.#queue.splice(at, 1)
    }
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve)
    })
  }

  get nextAtMs(): number {
    return this.#queue.at(-1)?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Goes to the next event and lets it happen. */
  runNext(): void {
    const event = this.#queue.pop()
    if (event === undefined) return
    this.nowMs = event.atMs
    event.run()
  }
}

/** One process's clock and randomness. A killed process's timers never fire. */
export class SimHost implements Host {
  readonly #clock: SimClock
  readonly #random: SeededRandom
  readonly #skewMs: number
  #isAlive = true
  /** So much time passes whenever it looks at its clock: then work that takes time has slices. */
  lookMs = 0
  #lookedMs = 0

  constructor(clock: SimClock, random: SeededRandom, skewMs = 0) {
    this.#clock = clock
    this.#random = random
    this.#skewMs = skewMs
  }

  nowMs(): number {
    return START_MS + Math.floor(this.#clock.nowMs + this.#skewMs)
  }

  monotonicMs(): number {
    this.#lookedMs += this.lookMs
    return this.#clock.nowMs + this.#lookedMs
  }

  randomBytes(count: number): Uint8Array {
    return this.#random.bytes(count)
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.#clock.after(delayMs, () => {
      if (this.#isAlive) run()
    })
  }

  /** Set where work in pieces is part of the world: the rest of a piece never comes in a killed process. */
  yieldToLoop?: () => Promise<void>

  yieldFor(delayMs: () => number): void {
    this.yieldToLoop = () => new Promise((resolve) => this.after(delayMs(), resolve))
  }

  kill(): void {
    this.#isAlive = false
  }

  get isAlive(): boolean {
    return this.#isAlive
  }
}
