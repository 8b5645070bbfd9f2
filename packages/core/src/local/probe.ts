import type { LfError } from "../base/error.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { MutationOutcome, RunResult } from "../timeline/outcome.ts"

/** Why a live query runs: for its first reader, because it was asked to, or because of pages. */
export type RunCause =
  | { readonly type: "first" }
  | { readonly type: "refresh" }
  /** Pages that its last run had read. Empty: the last run failed. */
  | { readonly type: "changed"; readonly pages: ReadonlySet<number> }

/** A live query, as its readers see it. */
export interface LiveQueryState {
  readonly query: Sql<unknown>
  /** Subscriptions: one for each tab. */
  readonly readers: number
  /** Null: it has not run, or failed. */
  readonly rowCount: number | null
  readonly error: LfError | null
  /** Pages that its last run read. */
  readonly pageCount: number
  /** How often it ran since it has readers. */
  readonly runs: number
  /** Of the last run; null: it has not run. */
  readonly ms: number | null
}

/** Pages that were given other content, all at once: by a mutation that ran here, or by the server (null). */
export interface ViewChange {
  readonly pages: ReadonlySet<number>
  readonly mutation: string | null
}

/** Follows the runs of live queries: development tools, and hooks that show why a query ran. */
export interface QueryProbe {
  stale(query: Sql<unknown>, cause: RunCause): void
  /** Behind `stale` of each query that read one of the pages. */
  changed?(change: ViewChange): void
  ran(query: Sql<unknown>, ms: number, state: LiveQueryState): void
}

/** What development tools see of a document while they are open. Without a probe nothing is measured or kept. */
export interface LocalProbe extends QueryProbe {
  /** A mutation ran on this device. A rejected one left nothing; `thrown` is what it threw. */
  mutated(mutation: Mutation, run: { readonly outcome: RunResult; readonly thrown: unknown; readonly ms: number }): void
  decided(outcomes: readonly MutationOutcome[]): void
}
