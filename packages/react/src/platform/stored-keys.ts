/** The keys of stored logs: a log that was never moved has its key as name, others have theirs in `names`, by key. */
export function keysOf(stored: Iterable<string>, names: ReadonlyMap<string, string>): string[] {
  const exists = new Set(stored)
  const moved = [...names].filter(([, name]) => exists.has(name)).map(([key]) => key)
  const movedNames = new Set(names.values())
  return [...moved, ...[...exists].filter((name) => !names.has(name) && !movedNames.has(name))]
}
