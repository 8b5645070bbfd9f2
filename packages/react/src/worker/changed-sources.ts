import { type Local, type PageOwner, pageOwners } from "@lf/core/internal"
import type { ChangedSource } from "../rpc/query-runs.ts"

/** Changed pages of one run whose owners are looked up. */
export const CAUSE_PAGES_MAX = 1_000

/** Of pages of one document. */
export function ownersOf({ inside }: Local, pages: ReadonlySet<number>): ReadonlyMap<number, PageOwner> {
  const { db, storage } = inside
  return db.crash === null ? pageOwners({ db, pages: storage }, pages) : new Map()
}

/** Pages by what they belong to, counted. */
export function sourcesOf(pages: ReadonlySet<number>, owners: ReadonlyMap<number, PageOwner>): ChangedSource[] {
  const counts = new Map<string, { owner: PageOwner; pages: number }>()
  for (const pageNo of pages) {
    // On no tree any more: the page went to the freelist.
    const owner = owners.get(pageNo) ?? { table: "(free or not found)", index: null }
    const key = JSON.stringify(owner)
    counts.set(key, { owner, pages: (counts.get(key)?.pages ?? 0) + 1 })
  }
  return Array.from(counts.values(), ({ owner, pages: count }) => ({ ...owner, pages: count }))
}
