import type { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import type { OpenedLog } from "../journal/log.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { OnApplied } from "./on-applied.ts"
import type { OnNearLimit } from "./size-watch.ts"
import type { Guard, OnFailed } from "./step-runner.ts"

export interface RemoteOptions {
  readonly opened: OpenedLog
  readonly loadSqlite: LoadSqlite
  readonly mutator: Mutator
  readonly host: Host
  readonly guard?: Guard
  /** Told of every mutation that was applied, at least once (S19). Without it nothing is kept for that. */
  readonly onApplied?: OnApplied
  readonly onFailed?: OnFailed
  /** The author of a mutation that threw is told its message, not its code alone: for development. */
  readonly tellsWhy?: boolean
  /** How long one query of this process may run. Default: QUERY_MS_MAX. */
  readonly queryMsMax?: number
  /** Pages that mutations may fill, at most and by default 15/16 of DOCUMENT_PAGES_MAX; one that would pass it is rejected with DOC_TOO_LARGE. */
  readonly pagesMax?: number
  readonly onNearLimit?: OnNearLimit
  /** A client that was not in contact for so long, and has every outcome, is forgotten. Default: CLIENT_FORGOTTEN_MS. */
  readonly clientForgottenMs?: number
  /** Called once, when storage failed: nobody may use this object any more. */
  readonly onStopped?: (error: LfError) => void
}
