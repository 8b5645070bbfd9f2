import { randomBytes } from "node:crypto"
import type { Host } from "@lf/core"

/** Enough for a request of another document to be read, run and flushed. */
const BREATH_MS = 2

/** Node's clock and luck. A timer that waits keeps no process alive. */
export const nodeHost: Host = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
  breathe: () => new Promise((resolve) => setTimeout(resolve, BREATH_MS)),
}
