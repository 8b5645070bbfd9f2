import { type Lsn, lsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import { PUSH_BYTES_MAX } from "../network/message.ts"
import type { Timeline } from "../timeline/timeline.ts"

/** How far the server has a timeline, how far it is durable here, and what keeps more of it from being pushed. */
export class PushState {
  /** The server has the timeline up to here, as far as we know. */
  serverCursor: Lsn
  /** Where the server said that its copy and ours part; null: nowhere, as far as we know. */
  forkAt: Lsn | null = null
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
  nextBatch(timeline: Timeline): Batch | null {
    if (this.forkAt !== null || this.isRestored) return null
    const batch = timeline.sync(this.serverCursor, this.#durable.lsn, PUSH_BYTES_MAX)
    return batch.entries.length === 0 ? null : batch
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
    this.forkAt = null
    this.isRestored = false
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
