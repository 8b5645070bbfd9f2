/** One piece of work at a time between two looks at the sockets, and each key gets its turn before any gets a second. */
export class FairQueue {
  /** Who waits, the key whose turn is next first. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #isRunning = false

  next(key: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#waiting.get(key)
      if (queue === undefined) this.#waiting.set(key, [resolve])
      else queue.push(resolve)
      if (this.#isRunning) return
      this.#isRunning = true
      setImmediate(() => this.#turn())
    })
  }

  #turn(): void {
    for (const [key, queue] of this.#waiting) {
      const resolve = queue.shift()
      this.#waiting.delete(key)
      if (queue.length > 0) this.#waiting.set(key, queue)
      resolve?.()
      break
    }
    this.#isRunning = this.#waiting.size > 0
    if (this.#isRunning) setImmediate(() => this.#turn())
  }
}
