import { type LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { FirstSync } from "../network/first-sync.ts"
import type { Link, PageBatch } from "../network/link.ts"
import type { RefusedRange, Welcome } from "../network/message.ts"
import { type Applied, readApplied } from "../timeline/internal-tables.ts"
import type { Timeline } from "../timeline/timeline.ts"
import type { RejectedMutation } from "./local-entries.ts"
import type { LocalStore } from "./local-store.ts"
import { PushState } from "./push-state.ts"
import { readOutcomes } from "./read-outcomes.ts"
import { planMeeting, planRebase, timelineState } from "./rebase-plan.ts"
import type { Receipts } from "./receipts.ts"
import type { View } from "./view.ts"

export interface ReconcilerOptions {
  readonly store: LocalStore
  readonly view: View
  readonly receipts: Receipts
  readonly host: Host
  /** The timeline of the store's present client id. */
  readonly openTimeline: () => Timeline
  /** The document that all this belongs to. */
  readonly document: {
    failure(): LfError | null
    /** Stops the document if it fails. */
    flush(): Promise<void>
    flushLater(): void
    /** Rows and more may have changed. */
    notify(): void
    /** Anything but rows may have changed. */
    notifyWatchers(): void
  }
}

/** What came from the server since the document was opened. */
export interface Pulled {
  /** How often the pending mutations were run again on newer pages. */
  readonly rebases: number
  readonly pages: number
}

/** Brings this device and the server together: pushes the timeline, rebases it on pulled pages, and resolves forks. */
export class Reconciler {
  readonly #store: LocalStore
  readonly #view: View
  readonly #receipts: Receipts
  readonly #host: Host
  readonly #openTimeline: ReconcilerOptions["openTimeline"]
  readonly #document: ReconcilerOptions["document"]
  readonly #push: PushState
  readonly #firstSync = new FirstSync()
  #pulled: Pulled = { rebases: 0, pages: 0 }
  #timeline: Timeline

  constructor({ store, view, receipts, host, openTimeline, document }: ReconcilerOptions) {
    this.#store = store
    this.#view = view
    this.#receipts = receipts
    this.#host = host
    this.#openTimeline = openTimeline
    this.#document = document
    this.#timeline = openTimeline()
    this.#push = new PushState(this.#timeline)
  }

  /** What is pending under the present client id. */
  get timeline(): Timeline {
    return this.#timeline
  }

  get pulled(): Pulled {
    return this.#pulled
  }

  /** After a start: runs what is pending on the stored base. @throws MIGRATION_EDITED MIGRATION_FAILED */
  recover(): void {
    // What the base decided, and the rejections that came with it, were flushed with it: nothing is reported again here.
    this.#timeline.drop(this.#store.settledTo)
    try {
      this.#view.runPending(this.#timeline)
    } catch (error) {
      if (this.#dropBase(error).code !== "SQL_CORRUPT") throw error
    }
  }

  /** Resolves when all that was appended is durable, and may be pushed. */
  async flush(): Promise<void> {
    const timeline = this.#timeline
    const at = { lsn: timeline.lsn(), start: timeline.start() }
    await this.#store.flush()
    if (timeline === this.#timeline) this.#push.flushed(at)
  }

  /**
   * A connection says where the server stands. Finds out whether it was restored (T2), by its epoch or by what it lacks, or another
   * client writes under our id (T1).
   */
  meet(welcome: Welcome): void {
    const isOther = welcome.epoch !== this.#store.epoch || this.#isBehind(welcome)
    // A copy that still has everything which we dropped goes on where it ends: nothing needs a new id.
    this.#push.isRestored = isOther && this.#store.epoch !== "" && welcome.clientLsn < this.#timeline.start()
    if (isOther) {
      this.#store.forgetCursor()
      this.#push.forgetFork()
    }
    if (!this.#push.isRestored) this.#compareTimelines(welcome)
  }

  /**
   * Pushes what the server does not have. `nothing`: `readyToPush` resolves when there is something; `later`: the server has
   * no room for it now. Sending it twice changes nothing.
   */
  async pushMutations(link: Link, maxBytes?: number): Promise<"more" | "nothing" | "later"> {
    this.#throwIfStopped()
    const batch = this.#push.nextBatch(this.#timeline, maxBytes)
    if (batch === null) return "nothing"
    const { clientId } = this.#store
    const reply = await link.syncMutations({ type: "sync-mutations", batch, confirmed: this.#push.confirmed })
    if (clientId !== this.#store.clientId) return "more"
    const { next, fork } = this.#push.take(reply, batch, this.#timeline)
    if (fork !== null) this.#forkFrom(fork.common, fork.refused)
    return next
  }

  /** Resolves when `pushMutations` may have something to do. */
  readyToPush(): Promise<void> {
    return this.#push.ready()
  }

  /**
   * Waits for newer pages, puts them under, and runs what is pending again. Pages that can be fetched again are durable a
   * moment later, or together with the next mutation, which is then not behind them. The rest is when this resolves: a
   * whole base, a new client id, and outcomes, which the server keeps until they are confirmed.
   */
  async rebase(link: Link, epoch: string): Promise<void> {
    const outcomesSeen = this.#push.confirmed
    const { cursor } = this.#store
    const resume = this.#firstSync.begin(epoch)
    const batch = await link.syncStorage({ type: "sync-storage", cursor, outcomesSeen, ...resume }, this.#firstSync)
    this.#throwIfStopped()
    const { clientId } = this.#store
    this.#firstSync.forget()
    this.#receive(batch, epoch)
    const isRefetched = batch.type !== "base" && batch.outcomes.length === 0 && clientId === this.#store.clientId
    if (isRefetched) this.#document.flushLater()
    else await this.#document.flush()
  }

  /** @throws CHECKSUM_MISMATCH BYTES_MALFORMED SQL_CORRUPT after which the pages are asked for from the beginning */
  #receive(batch: PageBatch, epoch: string): void {
    let refusal: LfError | null = null
    try {
      this.#view.swap(() => {
        try {
          if (batch.type === "base") this.#store.receiveBase({ epoch, cursor: batch.to, base: batch.base })
          else this.#store.receive({ epoch, cursor: batch.to, changeset: batch.changeset })
        } catch (error) {
          // Not made for our pages: the old base stays in view until all pages have been fetched again.
          refusal = toLfError(error, "BYTES_MALFORMED")
          this.#store.forgetCursor()
        }
        return { isWhole: batch.type === "base" }
      })
      if (refusal === null) this.#takeDecisions(batch)
      this.#view.runPending(this.#timeline)
      this.#count(batch)
    } catch (error) {
      refusal = this.#dropBase(error)
    }
    this.#document.notify()
    this.#push.wake()
    if (refusal !== null) throw refusal
  }

  #count(batch: PageBatch): void {
    const pages = batch.type === "base" ? this.#store.storage.basePageCount : batch.changeset.pages.length
    this.#pulled = { rebases: this.#pulled.rebases + 1, pages: this.#pulled.pages + pages }
  }

  /** Fetches an unusable base again; pages that are no database are dropped at once, the timeline stays (S11). */
  #dropBase(error: unknown): LfError {
    const refusal = toLfError(error, "SQL_CORRUPT")
    if (refusal.code === "SQL_CRASHED") return refusal
    this.#store.forgetCursor()
    if (refusal.code !== "SQL_CORRUPT") return refusal
    this.#view.swap(() => {
      this.#store.dropBase()
      return { isWhole: true }
    })
    this.#view.runPending(this.#timeline)
    return refusal
  }

  #takeDecisions(batch: PageBatch): void {
    const plan = this.#plan(this.#applied())
    this.#settle(plan.dropTo, batch)
    if (plan.next === "renumber") this.#renumber(batch)
    else if (plan.next === "probe") this.#push.probe(this.#timeline)
  }

  #plan(applied: Applied | null): ReturnType<typeof planRebase> {
    const { serverCursor, forkAt, isRestored } = this.#push
    return planRebase({ applied, timeline: timelineState(this.#timeline), serverCursor, forkAt, isRestored })
  }

  #applied(): Applied | null {
    return this.#store.storage.basePageCount === 0 ? null : readApplied(this.#view.db, this.#store.clientId)
  }

  /** What is up to `dropTo` was decided: rejections are kept for their author, receipts settled. */
  #settle(dropTo: Lsn, batch?: PageBatch): void {
    if (dropTo <= this.#timeline.start()) return
    const { decided, rejections } = readOutcomes({
      db: this.#view.db,
      timeline: this.#timeline,
      dropTo,
      cursor: this.#store.cursor,
      data: batch?.outcomes ?? [],
    })
    for (const rejection of rejections) this.#store.reject(rejection)
    this.#store.settle(dropTo, decided)
    this.#timeline.drop(dropTo)
    this.#receipts.decide(decided)
  }

  /** Whether it has lost what we have seen, and says the same epoch: a database that was put back, or failed over. */
  #isBehind({ lsn, checksum }: Welcome): boolean {
    const { cursor, storage } = this.#store
    return lsn < cursor || (lsn === cursor && lsn !== LSN_ZERO && checksum !== storage.checksum)
  }

  #compareTimelines(welcome: Welcome): void {
    const meeting = planMeeting(timelineState(this.#timeline), { lsn: welcome.clientLsn, hash: welcome.clientHash })
    if (meeting.type === "agreed") this.#push.serverCursor = meeting.cursor
    else if (meeting.type === "fork") this.#forkFrom(meeting.common)
    else this.#push.probe(this.#timeline)
  }

  #forkFrom(common: Lsn, refused: readonly RefusedRange[] = []): void {
    if (this.#document.failure() !== null) return
    this.#push.forkAt = common > this.#timeline.start() ? common : this.#timeline.start()
    this.#push.refused = refused
    const plan = this.#plan(this.#applied())
    if (plan.next !== "renumber") return
    // What the base turns out to have already must not be run on top of it once more (I6).
    this.#view.swap(() => ({ isWhole: false }))
    this.#settle(plan.dropTo)
    this.#renumber()
    this.#view.runPending(this.#timeline)
    this.#document.flush().catch(() => {}) // `fail` has reported it
    this.#document.notify()
  }

  /**
   * The rest of the timeline goes to a new client id; uids stay, so everything is still found exactly once. A clone may
   * have gone there before us: what of ours the base shows under the new id is decided at once.
   */
  #renumber(batch?: PageBatch): void {
    const { rest, refused } = this.#push.divide(this.#timeline)
    this.#store.renewIdentity(this.#host, rest.at(0))
    this.#timeline = this.#openTimeline()
    for (const mutation of rest) this.#timeline.append(mutation)
    this.#push.renumber()
    if (refused.length > 0) this.#reject(refused)
    this.#settle(this.#plan(this.#applied()).dropTo, batch)
    this.#push.wake()
  }

  /** Rejects what the server refused, with the same flush that gives the rest its new id. */
  #reject(refused: readonly RejectedMutation[]): void {
    const decided = refused.map(({ uid, code }) => ({ uid, outcome: { type: "rejected", code, data: null } as const }))
    this.#store.settle(this.#timeline.start(), decided)
    this.#store.refuse(refused, () => {
      this.#receipts.decide(decided)
      this.#document.notifyWatchers()
    })
  }

  #throwIfStopped(): void {
    const failure = this.#document.failure()
    if (failure !== null) throw failure
  }
}
