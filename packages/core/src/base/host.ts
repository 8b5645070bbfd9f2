/** Stops what `after` started. Calling it late or twice does nothing. */
export type Cancel = () => void

/** Clock and luck. Core has none of its own, so that a simulator can own both. */
export interface Host {
  /** Wall clock, milliseconds since 1970. It may jump. */
  nowMs(): number
  /** Milliseconds that only grow, also through sleep where the platform can. */
  monotonicMs(): number
  randomBytes(count: number): Uint8Array
  /** Calls `run` once, about `delayMs` from now. */
  after(delayMs: number, run: () => void): Cancel
  /** Lets others of the process work for a moment, between pieces of long work. Absent: there are none. */
  yieldToLoop?(): Promise<void>
}
