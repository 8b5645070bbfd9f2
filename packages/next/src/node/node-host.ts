import { randomBytes } from "node:crypto"
import type { Host } from "@lf/core/internal"

/** Enough for a request of another document to be read and run. */
const BREATH_MS = 2
/** For so long a slice waits for the disk to answer others: a flush is several calls, and each would be behind a slice. */
const FLUSH_MS_MAX = 20

/**
 * Who waits for its next slice, the longest first. One goes on at a time, with a look at the sockets between any two, and
 * not while a flush is under way: a document with much to do is behind all others with each of its slices, and one that has
 * nothing to wait for is behind one slice at the most (T39).
 */
const waiting: (() => void)[] = []
let flushes = 0
let waitedMs = 0
let isArmed = false

function arm(): void {
  isArmed = true
  setTimeout(next, BREATH_MS)
}

function next(): void {
  if (flushes > 0 && waitedMs < FLUSH_MS_MAX) {
    waitedMs += BREATH_MS
    arm()
    return
  }
  waitedMs = 0
  waiting.shift()?.()
  // After the slice: a pause that was counted from its beginning would be over with it.
  setImmediate(() => {
    if (waiting.length > 0) arm()
    else isArmed = false
  })
}

function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (!isArmed) arm()
  })
}

/** Runs a flush; slices that are due wait for it a little. */
export async function whileFlushing<T>(flush: () => Promise<T>): Promise<T> {
  flushes++
  try {
    return await flush()
  } finally {
    flushes--
  }
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
  yieldToLoop,
}
