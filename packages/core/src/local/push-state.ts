import { type Lsn, lsn, lsnAfter, nextLsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import { type MutationsReply, PUSH_BYTES_MAX, PUSH_ENTRIES_MAX, type RefusedRange } from "../network/message.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Timeline } from "../timeline/timeline.ts"
import type { RejectedMutation } from "./local-entries.ts"

export interface Fork {
  readonly common: Lsn
  /** The ranges after `common` that the server refused: they are rejected. */
  readonly refused: readonly RefusedRange[]
}

/** How far the server has a timeline, how far it is durable here, and what keeps more of it from being pushed. */
export class PushState {
  /** The server has the timeline up to here, as far as we know. */
  serverCursor: Lsn
  /** The last common position with the server's copy, once it reported a fork; null: no fork known. */
  forkAt: Lsn | null = null
  /** What the server refused after `forkAt`, by position: dropped when the rest goes on under a new id. */
  refused: readonly RefusedRange[] = []
  /** The server was restored from a copy that lacks something which we dropped. */
  isRestored = false
  /** Entries up to `lsn`, and that those up to `start` were dropped, survive a crash. */
  #durable: { readonly lsn: Lsn; readonly start: Lsn }
  #wake: () => void = () => {}

  constructor(timeline: Timeline) {
    this.serverCursor = timeline.start()
    this.#durable = { lsn: timeline.lsn(), start: timeline.start() }
  }

  /** Decisions up to here are durable on this device: the server may forget them. */
  get confirmed(): Lsn {
    return this.#durable.start
  }

  /** What the server lacks and what survives a crash here; null: nothing may be pushed now. */
  nextBatch(timeline: Timeline, maxBytes = PUSH_BYTES_MAX): Batch | null {
    if (this.forkAt !== null || this.isRestored) return null
    const batch = timeline.sync(this.serverCursor, this.#durable.lsn, Math.min(maxBytes, PUSH_BYTES_MAX))
    return batch.entries.length === 0 ? null : { ...batch, entries: batch.entries.slice(0, PUSH_ENTRIES_MAX) }
  }

  /**
   * Takes the server's answer to a batch. `fork`: the last common position of its copy. `later`: it has no room for the
   * rest of the batch now.
   */
  take(
    reply: MutationsReply,
    batch: Batch,
    timeline: Timeline,
  ): { readonly next: "more" | "later"; readonly fork: Fork | null } {
    const end = lsnAfter(batch.from, batch.entries.length)
    switch (reply.type) {
      case "cursor": {
        this.serverCursor = lsn(Math.min(end, Math.max(batch.from, reply.lsn)))
        const isAhead = reply.lsn > end && reply.lsn > timeline.lsn()
        return { next: reply.lsn < end ? "later" : "more", fork: isAhead ? { common: end, refused: [] } : null }
      }
      case "gap":
        if (reply.expected < timeline.start()) return { next: "more", fork: { common: timeline.start(), refused: [] } }
        this.serverCursor = reply.expected
        return { next: "more", fork: null }
      case "fork":
        return { next: "more", fork: { common: reply.common, refused: [] } }
      case "refused":
        return { next: "more", fork: { common: reply.common, refused: reply.ranges } }
    }
  }

  /** A flush that began when the timeline was so has ended. */
  flushed({ lsn: last, start }: { readonly lsn: Lsn; readonly start: Lsn }): void {
    this.#durable = {
      lsn: lsn(Math.max(this.#durable.lsn, last)),
      start: lsn(Math.max(this.#durable.start, start)),
    }
    this.wake()
  }

  /** The timeline goes on under a new client id: the server has nothing of it. */
  renumber(): void {
    this.serverCursor = lsn(0)
    this.#durable = { lsn: lsn(0), start: lsn(0) }
    this.forgetFork()
    this.isRestored = false
  }

  /** Another server or epoch: the fork position of the old one no longer applies. */
  forgetFork(): void {
    this.forkAt = null
    this.refused = []
  }

  /** Divides the pending mutations into those that go on and those that the server refused. */
  divide(timeline: Timeline): { readonly rest: Mutation[]; readonly refused: RejectedMutation[] } {
    const rest: Mutation[] = []
    const refused: RejectedMutation[] = []
    let position = timeline.start()
    for (const mutation of timeline.pending()) {
      position = nextLsn(position)
      const at = position
      const code = this.refused.find(({ from, to }) => at > from && at <= to)?.code
      if (code === undefined) rest.push(mutation)
      else refused.push({ ...mutation, code, data: null })
    }
    return { rest, refused }
  }

  /** Sent from the start, the server compares hash by hash and names the last common position. */
  probe(timeline: Timeline): void {
    this.serverCursor = timeline.start()
    this.isRestored = false
  }

  /** Resolves when there may be something to push. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake()
  }
}
