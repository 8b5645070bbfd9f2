import type { LfError } from "../base/error.ts"
import type { Lsn } from "../base/lsn.ts"

/**
 * One record of one stream. An "anchor" says where a stream stands after a rollup: the entries up to `lsn` are gone,
 * `hash` is the chain hash there, the payload holds those hashes before it that are kept. An anchor at lsn 0 forgets the stream.
 */
export interface LogRecord {
  readonly stream: string
  readonly lsn: Lsn
  readonly type: "entry" | "anchor"
  readonly payload: Uint8Array
  readonly previousHash: bigint
  readonly hash: bigint
}

/** The past as one snapshot. Pages have 4096 bytes each; there may be none. */
export interface Checkpoint {
  readonly meta: Uint8Array
  readonly pages: readonly Uint8Array[]
}

/**
 * Bytes at rest of one document, owned by one opener at a time. Calls are made one after the other, never two at once,
 * but for `prepare`.
 * After a rejected `append` or `rollup` the log stays failed: what reached the disk is known only after reopening (T19).
 */
export interface DocumentLog {
  /** False when nothing outlives the process. */
  readonly isDurable: boolean
  /** Atomic, and durable when it resolves. @throws LOG_FAILED, LOG_FULL, LOG_DEPOSED, LOG_CLOSED */
  append(records: readonly LogRecord[]): Promise<void>
  /**
   * Writes the pages of the next `rollup`, which is given the same list, and changes nothing else. May run beside appends:
   * many pages take long. Absent where a rollup does not. @throws as `append`
   */
  prepare?(pages: readonly Uint8Array[]): Promise<void>
  /** Replaces the past; atomic at every crash point (I12). @throws as `append` */
  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void>
  close(): Promise<void>
  /** Resolves if this opener owns the log still. Absent where that is sure. @throws LOG_DEPOSED, LOG_FAILED, LOG_CLOSED */
  confirm?(): Promise<void>
  /** Calls `onEnd` when the log ends without a write, as when a user clears a site's data. Absent where that cannot happen. */
  watch?(onEnd: (error: LfError) => void): void
}

/** What a log holds. */
export interface StoredLog {
  /** Null before the first rollup. */
  readonly checkpoint: Checkpoint | null
  readonly records: readonly LogRecord[]
}

export interface OpenedLog extends StoredLog {
  readonly log: DocumentLog
  /** Its last owner let go of it, however its last run ended: no process was killed. Absent: that is not known. */
  readonly wasLetGo?: boolean
}
