import type { Host, LoadSqlite, LogRecord, Network, OpenedLog } from "@lf/core/internal"

/** What the worker needs of its environment: the browser's APIs, or memory in tests. */
export interface Platform {
  readonly host: Host
  readonly loadSqlite: LoadSqlite
  openLog(key: string): Promise<OpenedLog>
  deleteLog(key: string): Promise<void>
  /** Whether anything was ever stored for `key`; creates nothing. */
  hasLog(key: string): Promise<boolean>
  /** All keys that logs are stored for. */
  storedKeys(): Promise<readonly string[]>
  /** What is stored for `key`. Reads only: an owner that has the log open goes on. */
  readRecords(key: string): Promise<readonly LogRecord[]>
  /** Gives the log of `from` to `to`, which has none; afterwards `from` has none. Atomic at every crash point. */
  moveLog(from: string, to: string): Promise<void>
  /** When a log was last moved away from `key`, in ms; null: never. */
  movedMs(key: string): Promise<number | null>
  /** `url` is the tab's: http or https. */
  network(url: string): Network
  /**
   * Resolves when `name` is owned; another holder is asked to hand over. `onAsked` is called when another worker asks
   * this one, with the number of migrations that it knows and whether it runs the same script; true: this worker will release.
   */
  own(
    name: string,
    options: { migrations: number; onAsked: (migrations: number, isTwin: boolean) => boolean },
  ): Promise<Ownership>
  /** Resolves when `name` is free and owned; its holder is not asked. Rejects when `signal` aborts before. */
  ownWhenFree(name: string, signal: AbortSignal): Promise<Ownership>
  /** Takes a lock that is held until this worker ends; null where there are no locks. */
  holdLivenessLock(): Promise<string | null>
  /** Calls `onGone` when the holder of a liveness lock is gone. Returns its undo. */
  watchLivenessLock(lock: string, onGone: () => void): () => void
}

export interface Ownership {
  release(): void
}
