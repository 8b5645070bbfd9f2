import type { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import type { OpenedLog } from "../journal/log.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import type { Mutator } from "../timeline/mutator.ts"
import type { DurableGroup } from "./mutation-ref.ts"
import type { OnApplied } from "./on-applied.ts"
import type { OnNearLimit } from "./size-watch.ts"
import type { Guard, OnFailed } from "./step-runner.ts"

export interface RemoteOptions {
  readonly opened: OpenedLog
  readonly loadSqlite: LoadSqlite
  readonly mutator: Mutator
  readonly host: Host
  readonly guard?: Guard
  /** Called for every applied mutation, at least once. Without it no delivery marks are kept (S19). */
  readonly onApplied?: OnApplied
  readonly onFailed?: OnFailed
  /** Called after each flush that made outcomes durable, for metrics and traces. */
  readonly onDurable?: (group: DurableGroup) => void
  /** Sends the author of a mutation that threw its message, not its code alone: for development. */
  readonly sendsMessages?: boolean
  /** How long one query of this process may run. Default: QUERY_MS_MAX. */
  readonly queryMsMax?: number
  /** Pages that mutations may fill, at most and by default 15/16 of DOCUMENT_PAGES_MAX; a mutation beyond is rejected with DOC_TOO_LARGE. */
  readonly pagesMax?: number
  readonly onNearLimit?: OnNearLimit
  /** A client without contact for this long, which has every outcome, is forgotten. Default: CLIENT_FORGOTTEN_MS. */
  readonly clientForgottenMs?: number
  /** `close` leaves a checkpoint only where one is due: the next opener waits for it. Default: it always writes one. */
  readonly closesAtOnce?: boolean
  /** For tests: a first sync is sent in chunks of so many pages. */
  readonly chunkPages?: number
  /** Called once, when storage failed: the document stopped and must be opened again. */
  readonly onStopped?: (error: LfError) => void
}
