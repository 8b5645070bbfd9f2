import type { QueueChange } from "./protocol.ts"

/** The list after a change: a new array, or the old one when no item changed. */
export function changedQueue<T>(items: readonly T[], change: QueueChange<T>): readonly T[] {
  if (change.type === "all") return change.items.length === 0 && items.length === 0 ? items : change.items
  if (change.dropped === 0 && change.added.length === 0) return items
  return [...items.slice(change.dropped), ...change.added]
}
