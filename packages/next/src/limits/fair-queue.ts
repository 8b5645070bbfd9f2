/** Runs one task at a time, with a poll of the sockets between two, round-robin over the keys. */
export class FairQueue {
  /** Waiting tasks by key; the next key first. */
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
