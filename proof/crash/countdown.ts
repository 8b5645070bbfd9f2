/** How a disk ends: its machine is gone with everything that was not synced, or one call of it fails. */
export type End = "crash" | "full" | "failing"

/** Counts a disk's calls, and knows the one at which it ends. */
export class Countdown {
  calls = 0
  end: End = "crash"
  #stopAt = Number.POSITIVE_INFINITY

  stopAt(call: number, end: End): void {
    this.#stopAt = this.calls + call
    this.end = end
  }

  restart(): void {
    this.calls = 0
    this.#stopAt = Number.POSITIVE_INFINITY
  }

  /** Counts one more call. last: the one at which the disk ends; dead: one after it. */
  next(): "alive" | "last" | "dead" {
    this.calls++
    if (this.calls < this.#stopAt) return "alive"
    return this.calls === this.#stopAt ? "last" : "dead"
  }
}
