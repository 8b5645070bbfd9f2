import type { Lsn, Mutation } from "@lf/core"
import type { PendingMutation, QueueChange } from "../rpc/protocol.ts"

/** The pending mutations: a timeline as a range of positions, after those of an adopted log. */
export interface PendingParts {
  readonly claimed: readonly Mutation[]
  readonly range: { readonly clientId: string; readonly start: Lsn; readonly lsn: Lsn } | null
  /** The timeline's entries after a position, oldest first. */
  after(position: Lsn): readonly Mutation[]
}

/** What a tab has of the pending mutations, so that only changes are sent, however long the list is (H6). */
export class PendingFeed {
  #known: PendingParts["range"] | "nothing" = "nothing"
  #hadClaimed = false

  /** The tab has nothing, or does not listen. */
  forget(): void {
    this.#known = "nothing"
  }

  /** Null: nothing has changed. */
  changeOf({ claimed, range, after }: PendingParts): QueueChange<PendingMutation> | null {
    const known = this.#known
    const isPlain = claimed.length === 0 && !this.#hadClaimed
    this.#known = range
    this.#hadClaimed = claimed.length > 0
    const isSame = known !== "nothing" && known !== null && range !== null && known.clientId === range.clientId
    if (!isPlain || !isSame || range.start < known.start) {
      const own = range === null ? [] : after(range.start)
      return { type: "all", items: [...claimed, ...own].map(toPending) }
    }
    const dropped = Math.min(range.start, known.lsn) - known.start
    const added = range.lsn > known.lsn ? after(known.lsn).map(toPending) : []
    return dropped === 0 && added.length === 0 ? null : { type: "change", dropped, added }
  }
}

function toPending({ uid, name, args, at }: Mutation): PendingMutation {
  return { uid, name, args, at }
}
