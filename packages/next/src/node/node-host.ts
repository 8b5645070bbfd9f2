import { randomBytes } from "node:crypto"
import type { Host } from "@lf/core"

/** Enough for a request of another document to be read, run and flushed. */
const BREATH_MS = 2

/**
 * Who waits for its next slice, the longest first. One goes on at a time, with a look at the sockets between any two:
 * a document with much to do is behind all others with each of its slices, and one that has nothing to wait for is behind
 * one slice at the most (T39).
 */
const waiting: (() => void)[] = []

function next(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setTimeout(next, BREATH_MS)
}

function breathe(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setTimeout(next, BREATH_MS)
  })
}

/** Node's clock and luck. A timer that waits keeps no process alive. */
export const nodeHost: Host = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  randomBytes: (count) => new Uint8Array(randomBytes(count)),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
  breathe,
}
