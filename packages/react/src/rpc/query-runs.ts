// How a live query runs: what the worker sends of it, and `useQueryRuns` answers.

/** Pages of a table or of one of its indexes. */
export interface ChangedSource {
  readonly table: string
  /** Null: the table itself. */
  readonly index: string | null
  readonly pages: number
}

/**
 * Why a live query ran. `first`: it got its first reader; `unseen`: it ran before it was watched; `refresh`: `refetch()`, or
 * the clock, for one that reads the time; `failed`: something changed, and the run before had failed; `changed`: pages that it
 * had read have other content, by a mutation of that name that ran on this device, or (null) from the server.
 */
export type RunReason =
  | { readonly type: "first" | "unseen" | "refresh" | "failed" }
  | { readonly type: "changed"; readonly mutation: string | null; readonly sources: readonly ChangedSource[] }

/** How a live query runs in the worker. */
export interface QueryRuns {
  /** Since the query has readers. */
  readonly runs: number
  /** Milliseconds of the last run: SQLite's part, without the way of the rows to this tab. */
  readonly ms: number
  /** Database pages of 4 KiB that the rows were read from. A change of one of them makes it run again, of others not. */
  readonly pagesRead: number
  readonly reason: RunReason
  /** Changes of the document for which it did not run, since it is watched: none of their pages was among those it read. */
  readonly skipped: number
  /** The newest change of the document; null: none since it is watched. `pages`: all of its pages. */
  readonly lastChange: { readonly mutation: string | null; readonly pages: number; readonly isRead: boolean } | null
}
