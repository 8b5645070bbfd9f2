import { hash64 } from "@lf/core/internal"

/** Over which databases documents are spread. Each database keeps it, and a later version is written to all of them. */
export interface Placement {
  /** 0: none was written, and this database has all documents. */
  readonly version: number
  /** The ids of databases. */
  readonly shards: readonly string[]
  /** Every document is at its home. If not, it may be at any of `sources` until it was moved. */
  readonly isSettled: boolean
  /** The databases that may have documents, while not settled. */
  readonly sources: readonly string[]
}

/** All databases that may have documents. */
export function placesOf({ shards, sources }: Placement): string[] {
  return [...new Set([...shards, ...sources])]
}

/**
 * Where a document belongs: the database whose hash with the document's key is the highest. One more database takes its share from
 * all others, and nothing moves between those.
 */
export function homeOf(key: string, shards: readonly string[]): string {
  const weightOf = (shard: string) => hash64(new TextEncoder().encode(`${shard} ${key}`))
  let [home] = shards
  let highest = weightOf(home)
  for (const shard of shards.slice(1)) {
    const weight = weightOf(shard)
    if (weight < highest || (weight === highest && shard < home)) continue
    home = shard
    highest = weight
  }
  return home
}
