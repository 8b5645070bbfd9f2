import type { Host } from "../base/host.ts"
import type { OpenedLog } from "../journal/log.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { Rehearsals } from "../timeline/rehearsal.ts"

/** Mutations that may wait for the server; one more is refused before it is journaled. */
export const PENDING_MAX = 100_000

export interface LocalOptions {
  readonly opened: OpenedLog
  readonly module: SqliteModule
  readonly mutator: Mutator
  readonly host: Host
  readonly user: string | null
  /** Bytes of deltas after which the base is rewritten; by default it depends on the base's size. */
  readonly rollupBytes?: number
  /** Uids of mutations and keys of queries that crashed SQLite in this process: they are not run again (T43). */
  readonly crashed?: Set<string>
  /** For tests: live queries yield after so many runs, not only after their slice of time. */
  readonly runsPerSlice?: number
  /** Development: each mutator runs twice, and both runs are compared. */
  readonly rehearsals?: Rehearsals | undefined
  /** Called with each pending mutation that runs again, and with what it threw or null. */
  readonly onRerun?: ((mutation: Mutation, thrown: { readonly error: unknown } | null) => void) | undefined
}
