import { bytesToPresence, type PresencesChange, presenceToBytes } from "@lf/core/internal"
import type { TabMessage } from "../rpc/protocol.ts"

/** What another tab shows. */
export interface OtherPresence {
  /** Names the tab: the same for as long as it is open. */
  readonly id: string
  /** Its user, as the server authenticated it; null: anonymous. */
  readonly user: string | null
  readonly value: unknown
}

const NO_ONE: readonly OtherPresence[] = []

/** Presence in one document: what this tab shows, and what others do. */
export class TabPresence {
  readonly #post: (message: TabMessage) => void
  /** By the hook that shows it; the last one counts. */
  readonly #own = new Map<object, Uint8Array>()
  readonly #watchers = new Set<() => void>()
  readonly #othersById = new Map<string, OtherPresence>()
  #others = NO_ONE

  constructor(post: (message: TabMessage) => void) {
    this.#post = post
  }

  get isUsed(): boolean {
    return this.#own.size + this.#watchers.size > 0
  }

  /** In the order in which they came. Unchanged ones are the same objects. */
  get others(): readonly OtherPresence[] {
    return this.#others
  }

  /** What the tab shows for `hook`; undefined: nothing. @throws PRESENCE_INVALID */
  show(hook: object, value: unknown): void {
    const bytes = value === undefined ? null : presenceToBytes(value)
    this.#own.delete(hook)
    if (bytes !== null) this.#own.set(hook, bytes)
    this.#post({ type: "presence", value: this.#shown })
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    if (this.#watchers.size === 1) this.#post({ type: "watch-presences", on: true })
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      this.#post({ type: "watch-presences", on: false })
      this.change({ isAll: true, changed: [], gone: [] })
    }
  }

  /** On a new connection. */
  askAgain(): void {
    if (this.#own.size > 0) this.#post({ type: "presence", value: this.#shown })
    if (this.#watchers.size > 0) this.#post({ type: "watch-presences", on: true })
  }

  change({ isAll, changed, gone }: PresencesChange): void {
    if (isAll) this.#othersById.clear()
    for (const id of gone) this.#othersById.delete(id)
    for (const { id, user, value: bytes } of changed) {
      const value = bytesToPresence(bytes)
      if (value !== undefined) this.#othersById.set(id, { id, user, value })
    }
    if (this.#others.length === 0 && this.#othersById.size === 0) return
    this.#others = [...this.#othersById.values()]
    for (const watcher of [...this.#watchers]) watcher()
  }

  get #shown(): Uint8Array | null {
    return [...this.#own.values()].at(-1) ?? null
  }
}
