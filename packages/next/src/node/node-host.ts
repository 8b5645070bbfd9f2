import { randomBytes } from "node:crypto"
import type { Host } from "@lf/core/internal"

/** Long enough for a request of another document to be read and run. */
const YIELD_MS = 2
/** How long a slice waits for a flush: a flush is several calls, each of which would wait behind a slice. */
const FLUSH_MS_MAX = 20

/**
 * Waiting slices, the longest first. One runs at a time, with a poll of the sockets between any two, and
 * not while a flush is under way: a busy document queues behind all others with each of its slices, and an idle one
 * waits for one slice at the most (T39).
 */
const waiting: (() => void)[] = []
let flushes = 0
let waitedMs = 0
let isArmed = false

function arm(): void {
  isArmed = true
  setTimeout(next, YIELD_MS)
}

function next(): void {
  if (flushes > 0 && waitedMs < FLUSH_MS_MAX) {
    waitedMs += YIELD_MS
    arm()
    return
  }
  waitedMs = 0
  waiting.shift()?.()
  // Starts after the slice: a pause that was counted from the slice's start would end with it.
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

/** Runs a flush; slices that are due wait for it, up to a limit. */
export async function whileFlushing<T>(flush: () => Promise<T>): Promise<T> {
  flushes++
  try {
    return await flush()
  } finally {
    flushes--
  }
}

/** Node's clock and random numbers. A pending timer does not keep the process running. */
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
