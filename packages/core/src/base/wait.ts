import type { Host } from "./host.ts"

/** A promise and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = () => {}
  let reject: Deferred<T>["reject"] = () => {}
  const promise = new Promise<T>((resolveIt, rejectIt) => {
    resolve = resolveIt
    reject = rejectIt
  })
  return { promise, resolve, reject }
}

/** The pause after so many failures: it doubles from `minMs` up to `maxMs`. */
export function backoffMs(failures: number, { minMs, maxMs }: { minMs: number; maxMs: number }): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(0, failures), 30))
}

/** A sleep that can be ended before its time. */
export class Sleep {
  readonly #host: Host
  #wake: () => void = () => {}

  constructor(host: Host) {
    this.#host = host
  }

  /** Resolves after `delayMs`, null: never, or with the next `wake`. */
  for(delayMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      const cancel = delayMs === null ? () => {} : this.#host.after(delayMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  wake(): void {
    this.#wake()
  }
}

/** Runs work one after the other, whatever becomes of the work before. */
export class Sequence {
  #last: Promise<unknown> = Promise.resolve()
  #count = 0

  /** Some of it is under way or waits. */
  get isBusy(): boolean {
    return this.#count > 0
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#count++
    const result = this.#last.then(work)
    this.#last = result
      .catch(() => {})
      .finally(() => {
        this.#count--
      })
    return result
  }
}

/** Lets at most so many pieces of work run at once; the others start in the order of their calls. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

/** As `work`, or rejects with what `late` gives when that takes longer than `limitMs`. */
export function withTimeout<T>(host: Host, limitMs: number, work: T | PromiseLike<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = host.after(limitMs, () => reject(late()))
    Promise.resolve(work).then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}
