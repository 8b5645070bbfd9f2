/** Stops what `after` started. Calling it late or twice does nothing. */
export type Cancel = () => void

/** Clock and randomness, injected so that tests and the simulator own both. */
export interface Host {
  /** Wall clock, milliseconds since 1970. It may jump. */
  nowMs(): number
  /** Milliseconds that only grow, also through sleep where the platform can. */
  monotonicMs(): number
  randomBytes(count: number): Uint8Array
  /** Calls `run` once, about `delayMs` from now. */
  after(delayMs: number, run: () => void): Cancel
  /** Yields to the event loop between slices of long work. Absent: work is done in one slice. */
  yieldToLoop?(): Promise<void>
}
