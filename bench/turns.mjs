// Rounds of ours and the peer's in turn, as `interleave` does it, for work that is asynchronous.
import { median } from "./measure.mjs"

/** Medians of `rounds` rounds; `ours` and `peers` resolve to one figure each, or to an array of samples. */
export async function interleaveAsync(rounds, ours, peers) {
  const own = []
  const other = []
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    own.push(...[await ours(round)].flat())
    globalThis.gc?.()
    other.push(...[await peers(round)].flat())
  }
  return { value: median(own), peerValue: median(other), n: own.length, p99: percentile(own, 0.99) }
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

/** Milliseconds that `work` takes. */
export async function milliseconds(work) {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}
