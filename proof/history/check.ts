// Judges a history of one list from outside, as Elle judges list-append histories: what operations saw of each other gives
// an order, and an order with a cycle in it is none. This file knows nothing of lf and imports nothing of it.

/** What one process did or saw. Times are one clock's, in any unit. */
export type Operation =
  | {
      readonly type: "append"
      readonly process: string
      readonly value: string
      readonly invokedAt: number
      /** When its author got "applied"; null: never. */
      readonly okAt: number | null
      /** Its author got a rejection: it is not in the list, and never will be. */
      readonly isRefused: boolean
    }
  /** The whole list as a process saw it. It may be behind. */
  | { readonly type: "read"; readonly process: string; readonly values: readonly string[]; readonly at: number }

interface Node {
  /** Null: a moment between operations. */
  readonly name: string | null
  readonly after: Set<number>
}

/** What is wrong with the history; null: nothing. `final` is the list when everything is at rest. */
export function judge(history: readonly Operation[], final: readonly string[]): string | null {
  return judgeValues(history, final) ?? judgeReads(history, final) ?? judgeOrder(history, final)
}

/** Nothing lost, nothing doubled, nothing out of nowhere. */
function judgeValues(history: readonly Operation[], final: readonly string[]): string | null {
  const places = new Map(final.map((value, i) => [value, i]))
  if (places.size < final.length) return `the list holds ${final.find((value, i) => places.get(value) !== i)} twice`
  const appended = new Set<string>()
  for (const one of history) {
    if (one.type !== "append") continue
    if (appended.has(one.value)) return `${one.value} was appended twice`
    appended.add(one.value)
    if (one.okAt !== null && !places.has(one.value)) return `${one.value} was acknowledged and is lost`
    if (one.isRefused && places.has(one.value)) return `${one.value} was refused and is in the list`
  }
  const phantom = final.find((value) => !appended.has(value))
  return phantom === undefined ? null : `nothing appended ${phantom}`
}

/** A list that only grows: all that was ever seen of it is a beginning of what it is at the end. */
function judgeReads(history: readonly Operation[], final: readonly string[]): string | null {
  for (const one of history) {
    if (one.type !== "read") continue
    const at = one.values.findIndex((value, i) => final[i] !== value)
    if (at >= 0)
      return `${one.process} saw ${one.values[at]} at place ${at}, where ${final[at] ?? "nothing"} is in the end`
  }
  return null
}

function judgeOrder(history: readonly Operation[], final: readonly string[]): string | null {
  const places = new Map(final.map((value, i) => [value, i]))
  // Of the appends only those that took place have a place.
  const operations = history.filter((one) => one.type === "read" || places.has(one.value))
  const nodes: Node[] = operations.map((one) => ({ name: nameOf(one), after: new Set() }))
  const indexOf = new Map(operations.flatMap((one, i) => (one.type === "append" ? [[one.value, i] as const] : [])))
  const order = (from: number | undefined, to: number | undefined) => {
    if (from !== undefined && to !== undefined && from !== to) nodes[from].after.add(to)
  }
  final.forEach((value, i) => {
    if (i > 0) order(indexOf.get(final[i - 1]), indexOf.get(value)) // ww
  })
  operations.forEach((one, i) => {
    if (one.type !== "read") return
    order(indexOf.get(one.values.at(-1) ?? ""), i) // wr
    order(i, indexOf.get(final[one.values.length] ?? "")) // rw
  })
  orderProcesses(operations, order)
  orderRealTime(operations, nodes, order)
  const cycle = cycleIn(nodes)
  if (cycle === null) return null
  return `no order explains: ${cycle.flatMap((i) => nodes[i].name ?? []).join(" before ")}`
}

type Order = (from: number, to: number) => void

/** What one process did comes in the order in which it did it. */
function orderProcesses(operations: readonly Operation[], order: Order): void {
  const byProcess = new Map<string, number[]>()
  operations.forEach((one, i) => {
    const indices = byProcess.get(one.process)
    if (indices === undefined) byProcess.set(one.process, [i])
    else indices.push(i)
  })
  for (const indices of byProcess.values()) {
    indices.sort((a, b) => beginOf(operations[a]) - beginOf(operations[b]) || a - b)
    for (let i = 1; i < indices.length; i++) order(indices[i - 1], indices[i])
  }
}

/**
 * What was acknowledged before something else was appended is before it. Each acknowledgement is a moment, and the moments
 * are a chain: as many edges as operations, where an edge for each two of them would be the square.
 */
function orderRealTime(operations: readonly Operation[], nodes: Node[], order: Order): void {
  const times = operations.flatMap((one) => (one.type === "append" && one.okAt !== null ? [one.okAt] : []))
  const moments = [...new Set(times)].sort((a, b) => a - b)
  const firstMoment = nodes.length
  for (const _ of moments) nodes.push({ name: null, after: new Set() })
  for (let i = 1; i < moments.length; i++) order(firstMoment + i - 1, firstMoment + i)
  operations.forEach((one, i) => {
    if (one.type !== "append") return
    const passed = countBelow(moments, one.invokedAt)
    if (passed > 0) order(firstMoment + passed - 1, i)
    if (one.okAt !== null) order(i, firstMoment + countBelow(moments, one.okAt))
  })
}

/** How many of these, which are sorted, are smaller than `value`. */
function countBelow(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

/** What is left when everything that nothing comes before is taken away, again and again; null: nothing is. */
function cycleIn(nodes: readonly Node[]): number[] | null {
  const before = new Array<number>(nodes.length).fill(0)
  for (const { after } of nodes) for (const next of after) before[next]++
  const free = nodes.flatMap((_, i) => (before[i] === 0 ? [i] : []))
  let left = nodes.length
  for (let at = free.pop(); at !== undefined; at = free.pop()) {
    left--
    for (const next of nodes[at].after) if (--before[next] === 0) free.push(next)
  }
  if (left === 0) return null
  // Each that is left comes after one that is left: back from any of them there is a way that meets itself.
  const path = [before.findIndex((count) => count > 0)]
  for (;;) {
    const last = path[path.length - 1]
    const previous = nodes.findIndex(({ after }, i) => before[i] > 0 && after.has(last))
    const met = path.indexOf(previous)
    path.push(previous)
    if (met >= 0) return path.slice(met).reverse()
  }
}

function beginOf(one: Operation): number {
  return one.type === "append" ? one.invokedAt : one.at
}

function nameOf(one: Operation): string {
  if (one.type === "append") return `${one.process} appends ${one.value}`
  return `${one.process} sees ${one.values.length} up to ${one.values.at(-1) ?? "nothing"}`
}
