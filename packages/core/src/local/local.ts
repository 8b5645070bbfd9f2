import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import type { Lsn } from "../base/lsn.ts"
import type { Link, PageBatch } from "../network/link.ts"
import type { RefusedRange, Welcome } from "../network/message.ts"
import type { Query } from "../sqlite/sql.ts"
import { type Applied, readApplied } from "../timeline/internal-tables.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { refusalOf } from "../timeline/outcome.ts"
import { Timeline } from "../timeline/timeline.ts"
import type { LiveQueries, LiveSubscription } from "./live-queries.ts"
import type { LiveResult } from "./live-query.ts"
import { type LocalOptions, PENDING_MAX } from "./local-options.ts"
import { LocalStore, type RejectedMutation, type RejectionChange } from "./local-store.ts"
import { PushState } from "./push-state.ts"
import { readOutcomes } from "./read-outcomes.ts"
import { planMeeting, planRebase, timelineState } from "./rebase-plan.ts"
import { type LocalReceipt, Receipts } from "./receipts.ts"
import { View } from "./view.ts"

/** One document on this device: its pages, its pending mutations and the queries that are kept up to date over both. */
export class Local {
  readonly #host: Host
  readonly #mutator: Mutator
  readonly #user: string | null
  readonly #store: LocalStore
  readonly #view: View
  readonly #crashed: Set<string>
  readonly #receipts = new Receipts()
  readonly #watchers = new Set<() => void>()
  readonly #push: PushState
  #timeline: Timeline
  #failure: LfError | null = null

  /** Recovers what was stored. @throws LOG_CORRUPT MIGRATION_EDITED MIGRATION_FAILED */
  constructor({ opened, module, mutator, host, user, rollupBytes, runsPerSlice, crashed = new Set() }: LocalOptions) {
    this.#crashed = crashed
    this.#host = host
    this.#mutator = mutator
    this.#user = user
    this.#store = new LocalStore(opened, host, rollupBytes)
    const { storage } = this.#store
    const onCrash = (error: LfError) => void this.fail(error)
    const view = { module, storage, mutator, host, runsPerSlice, crashed, onCrash }
    this.#view = View.open(view, () => this.#store.dropBase())
    this.#timeline = this.#openTimeline()
    this.#push = new PushState(this.#timeline)
    // What the base decided, and the rejections that came with it, were flushed with it: nothing is reported again here.
    this.#timeline.drop(this.#store.settledTo)
    try {
      this.#view.runPending(this.#timeline)
    } catch (error) {
      if (this.#dropBase(error).code !== "SQL_CORRUPT") throw error
    }
    this.#view.notify()
  }

  get clientId(): string {
    return this.#store.clientId
  }

  get secret(): Uint8Array {
    return this.#store.secret
  }

  get epoch(): string {
    return this.#store.epoch
  }

  get cursor(): Lsn {
    return this.#store.cursor
  }

  get isDurable(): boolean {
    return this.#store.streams.isDurable
  }

  get mutator(): Mutator {
    return this.#mutator
  }

  get failure(): LfError | null {
    return this.#failure
  }

  /** Live queries and single reads. */
  get reads(): LiveQueries {
    return this.#view.queries
  }

  /** The base's checksum and page count: equal to the server's at `cursor` (I5). */
  get base(): { readonly checksum: bigint; readonly pageCount: number } {
    return { checksum: this.#store.storage.checksum, pageCount: this.#store.storage.basePageCount }
  }

  pending(): readonly Mutation[] {
    return [...this.#store.refused, ...this.#timeline.pending()]
  }

  /** Pending mutations have positions `start + 1` to `lsn` under `clientId`: what came and went since is read off them. */
  get pendingRange(): { readonly clientId: string; readonly start: Lsn; readonly lsn: Lsn } {
    return { clientId: this.clientId, start: this.#timeline.start(), lsn: this.#timeline.lsn() }
  }

  pendingAfter(position: Lsn): Mutation[] {
    return [...this.#timeline.pendingAfter(position)]
  }

  get pendingCount(): number {
    return this.#store.refused.length + this.#timeline.pendingCount
  }

  get rejections(): readonly RejectedMutation[] {
    return this.#store.rejections
  }

  /**
   * Runs a mutation at once and keeps it. The receipt's `durable` resolves when it survives a crash of this device,
   * `remote` when the server has decided. Called again with a `uid` that is known it changes nothing (T28).
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE PENDING_LIMIT LOG_FULL, MUTATION_REJECTED for what the
   * mutator threw a `Reject` for, MUTATION_THREW or a code of SQL for anything else that it threw; then nothing happened
   */
  run(name: string, args: unknown, uid = uuidV7(this.#host.nowMs(), this.#host.randomBytes(10))): LocalReceipt {
    if (this.#failure !== null) throw this.#failure
    if (this.isKnown(uid)) return this.follow(uid)
    if (this.#timeline.pendingCount >= PENDING_MAX) {
      throw new LfError("PENDING_LIMIT", `${PENDING_MAX} mutations wait, and no more may: connect first`)
    }
    const mutation = this.#mutator.make({ uid, name, args, at: this.#host.nowMs() })
    const { outcome, thrown } = this.#view.apply(this.#timeline, mutation)
    if (outcome.type === "rejected") throw refusalOf(name, outcome, thrown)
    this.#timeline.append(mutation)
    const receipt = this.#receipts.open(uid, this.#flush())
    this.#notify()
    return receipt
  }

  /** The receipt of a mutation from before a restart. One that this device does not know is `unknown` (I9). */
  follow(uid: string): LocalReceipt {
    const known = this.#receipts.find(uid)
    if (known !== undefined) return known
    const receipt = this.#receipts.open(uid, Promise.resolve())
    const outcome = this.#store.outcomeOf(uid) ?? { type: "unknown", reason: "forgotten" }
    if (!this.#timeline.isPending(uid)) this.#receipts.decide([{ uid, outcome }])
    return receipt
  }

  /** Whether it is pending here or its outcome is known. */
  isKnown(uid: string): boolean {
    const known = this.#receipts.find(uid) ?? this.#store.outcomeOf(uid)
    return known !== undefined || this.#timeline.isPending(uid)
  }

  /** Settles receipts of pending mutations as unknown: the user discards them. */
  discard(): void {
    this.#receipts.discard()
  }

  /** Rows of the view as it is now. @throws SQL_ERROR SQL_DENIED SQL_LIMIT */
  query<R>(query: Query<R>): R[] {
    return this.#view.query(query)
  }

  /** Sends `listener` the rows, at once or when the query's turn comes; then patches. */
  subscribe(query: Query<unknown>, listener: (result: LiveResult) => void): LiveSubscription {
    return this.#view.subscribe(query, listener)
  }

  /** Calls `watcher` after anything but rows changed: pending, cursor, failure; `onRejection` with each that comes or goes. */
  watch(watcher: () => void, onRejection: (change: RejectionChange) => void = () => {}): () => void {
    const undo = this.#store.watchRejections(onRejection)
    this.#watchers.add(watcher)
    return () => {
      undo()
      this.#watchers.delete(watcher)
    }
  }

  async dismiss(uid: string): Promise<void> {
    this.#store.dismiss(uid)
    this.#notifyWatchers()
    await this.#flush()
  }

  /** Takes over what was rejected of a log that this user claimed (T26), each once. Resolves when it is durable. */
  async adopt(rejections: readonly RejectedMutation[]): Promise<void> {
    for (const rejection of rejections) this.#store.adopt(rejection)
    this.#notifyWatchers()
    await this.#flush()
  }

  /**
   * A connection says where the server stands. Finds out whether the epoch changed (a restored server, T2) or another
   * client writes under our id (T1).
   */
  meet(welcome: Welcome): void {
    const isOther = welcome.epoch !== this.#store.epoch
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
    if (this.#failure !== null) throw this.#failure
    const batch = this.#push.nextBatch(this.#timeline, maxBytes)
    if (batch === null) return "nothing"
    const { clientId } = this
    const reply = await link.syncMutations({ type: "sync-mutations", batch, confirmed: this.#push.confirmed })
    if (clientId !== this.clientId) return "more"
    const { next, fork } = this.#push.take(reply, batch, this.#timeline)
    if (fork !== null) this.#forkFrom(fork.common, fork.refused)
    return next
  }

  /** Resolves when `pushMutations` may have something to do. */
  readyToPush(): Promise<void> {
    return this.#push.ready()
  }

  /** Waits for newer pages, puts them under, and runs what is pending again. Resolves when that is durable. */
  async rebase(link: Link, epoch: string): Promise<void> {
    const outcomesSeen = this.#push.confirmed
    const batch = await link.syncStorage({ type: "sync-storage", cursor: this.cursor, outcomesSeen })
    if (this.#failure !== null) throw this.#failure
    this.#receive(batch, epoch)
    await this.#flush()
  }

  /** Nothing more can be kept: rejects all waits and stops the document. The first error stays. */
  fail(error: unknown): LfError {
    const failure = toLfError(error, "DOC_STOPPED")
    if (this.#failure !== null) return failure
    this.#failure = failure
    this.#receipts.clear()
    this.#notifyWatchers()
    return failure
  }

  /** Flushes and releases the log. */
  async close(): Promise<void> {
    this.#failure ??= new LfError("LOG_CLOSED", "the document was closed on this device")
    try {
      this.#view.close(this.#failure)
    } finally {
      await this.#store.streams.close()
    }
  }

  /** @throws CHECKSUM_MISMATCH BYTES_MALFORMED SQL_CORRUPT after which the pages are asked for from the beginning */
  #receive(batch: PageBatch, epoch: string): void {
    let refusal: LfError | null = null
    try {
      this.#view.swap(() => {
        try {
          this.#store.receive({ epoch, cursor: batch.to, changeset: batch.changeset })
        } catch (error) {
          // Not made for our pages: the old base stays in view until all pages have been fetched again.
          refusal = toLfError(error, "BYTES_MALFORMED")
          this.#store.forgetCursor()
        }
        return batch.changeset
      })
      if (refusal === null) this.#takeDecisions(batch)
      this.#view.runPending(this.#timeline)
    } catch (error) {
      refusal = this.#dropBase(error)
    }
    this.#notify()
    this.#push.wake()
    if (refusal !== null) throw refusal
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
    return this.#store.storage.basePageCount === 0 ? null : readApplied(this.#view.db, this.clientId)
  }

  /** What is up to `dropTo` was decided: rejections are kept for their author, receipts settled. */
  #settle(dropTo: Lsn, batch?: PageBatch): void {
    if (dropTo <= this.#timeline.start()) return
    const { decided, rejections } = readOutcomes({
      db: this.#view.db,
      timeline: this.#timeline,
      dropTo,
      cursor: this.cursor,
      data: batch?.outcomes ?? [],
    })
    for (const rejection of rejections) this.#store.reject(rejection)
    this.#store.settle(dropTo, decided)
    this.#timeline.drop(dropTo)
    this.#receipts.decide(decided)
  }

  #compareTimelines(welcome: Welcome): void {
    const meeting = planMeeting(timelineState(this.#timeline), { lsn: welcome.clientLsn, hash: welcome.clientHash })
    if (meeting.type === "agreed") this.#push.serverCursor = meeting.cursor
    else if (meeting.type === "fork") this.#forkFrom(meeting.common)
    else this.#push.probe(this.#timeline)
  }

  #forkFrom(common: Lsn, refused: readonly RefusedRange[] = []): void {
    if (this.#failure !== null) return
    this.#push.forkAt = common > this.#timeline.start() ? common : this.#timeline.start()
    this.#push.refused = refused
    const plan = this.#plan(this.#applied())
    if (plan.next !== "renumber") return
    // What the base turns out to have already must not be run on top of it once more (I6).
    this.#view.swap(() => ({ isWhole: false }))
    this.#settle(plan.dropTo)
    this.#renumber()
    this.#view.runPending(this.#timeline)
    this.#flush().catch(() => {}) // `fail` has reported it
    this.#notify()
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
      this.#notifyWatchers()
    })
  }

  #openTimeline(): Timeline {
    const [mutator, user, crashed] = [this.#mutator, this.#user, this.#crashed]
    return new Timeline(this.#store.streams, { clientId: this.clientId, mutator, user, crashed })
  }

  async #flush(): Promise<void> {
    const timeline = this.#timeline
    const at = { lsn: timeline.lsn(), start: timeline.start() }
    try {
      await this.#store.flush()
    } catch (error) {
      throw this.fail(error)
    }
    if (timeline === this.#timeline) this.#push.flushed(at)
  }

  #notify(): void {
    this.#view.notify()
    this.#notifyWatchers()
  }

  #notifyWatchers(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
