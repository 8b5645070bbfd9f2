// Measures rounds of ours and the peer's in turn, so that a drift of the machine affects both; medians.

/** CPU microseconds of `work()`, all threads of the process. */
export function cpuMicros(work) {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Medians of `rounds` interleaved rounds. `ours` and `peers` answer one figure each. */
export function interleave(rounds, ours, peers) {
  const own = []
  const other = []
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    own.push(ours())
    globalThis.gc?.()
    other.push(peers())
  }
  return { value: median(own), peerValue: median(other), n: rounds }
}

/** The same where a round takes turns of the event loop. */
export async function interleaveAsync(rounds, ours, peers) {
  const own = []
  const other = []
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.()
    own.push(await ours())
    globalThis.gc?.()
    other.push(await peers())
  }
  return { value: median(own), peerValue: median(other), n: rounds }
}

/** A row of the results. `goal` is what BENCH.md asks of `ratio`, as "<= 1.2" or ">= 0.8". */
export function row(name, variant, unit, { value, peerValue, n }, peer, goal, counts) {
  const round = (x) => Math.round(x * 1000) / 1000
  return {
    name,
    variant,
    unit,
    value: round(value),
    peer,
    peerValue: round(peerValue),
    ratio: round(value / peerValue),
    goal,
    n,
    ...(counts && { counts }),
  }
}

export function meets(one) {
  if (!one.goal) return ""
  return distance(one) <= 1 ? "ok" : "MISSED"
}

/** How far a row is from its goal, as a factor: up to 1 it is reached, whichever way the goal points. */
export function distance({ ratio, goal }) {
  const [sign, limit] = goal.split(" ")
  return sign === "<=" ? ratio / Number(limit) : Number(limit) / ratio
}
