import type { Host, LoadSqlite, Network, OpenedLog } from "@lf/core/internal"

/** What the worker needs of where it runs: the browser's own, or memory in tests. */
export interface Platform {
  readonly host: Host
  readonly loadSqlite: LoadSqlite
  openLog(key: string): Promise<OpenedLog>
  deleteLog(key: string): Promise<void>
  /** Whether anything was ever kept for `key`; asking makes nothing. */
  hasLog(key: string): Promise<boolean>
  /** `to` gets all that is kept for `from`; nothing is for `to` before, for `from` after. Atomic at every crash point. */
  moveLog(from: string, to: string): Promise<void>
  /** When a log was last moved away from `key`, ms; null: never. */
  movedMs(key: string): Promise<number | null>
  /** `url` is the tab's: http or https. */
  network(url: string): Network
  /**
   * Resolves when nobody else has `name`; another holder is asked to hand over. `onAsked` is called when somebody asks
   * us, with how many migrations they know; true: we will release.
   */
  own(name: string, options: { migrations: number; onAsked: (migrations: number) => boolean }): Promise<Ownership>
  /** Resolves when nobody else has `name`; nobody is asked for it. Rejects when `signal` aborts before. */
  ownWhenFree(name: string, signal: AbortSignal): Promise<Ownership>
  /** Takes a lock of our own as a sign of life; null where there are no locks. */
  holdLivenessLock(): Promise<string | null>
  /** Calls `onGone` when the holder of a life lock is gone. Returns its undo. */
  watchLivenessLock(lock: string, onGone: () => void): () => void
}

export interface Ownership {
  release(): void
}
