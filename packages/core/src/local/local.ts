import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import type { OpenedLog } from "../journal/log.ts"
import type { Link, PageBatch } from "../network/link.ts"
import { PUSH_BYTES_MAX, type Welcome } from "../network/message.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import type { Query } from "../sqlite/sql.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { Timeline } from "../timeline/timeline.ts"
import type { LiveResult } from "./live-query.ts"
import { LocalStore, type Rejection } from "./local-store.ts"
import { type Applied, planMeeting, planRebase, timelineState } from "./rebase-plan.ts"
import { type Receipt, Receipts } from "./receipts.ts"
import { outcomeOf, readApplied, readVerdicts } from "./verdicts.ts"
import { View } from "./view.ts"

/** Mutations that may wait for the server; one more is refused before it is journaled. */
export const PENDING_MAX = 100_000

export interface LocalOptions {
  readonly opened: OpenedLog
  readonly module: SqliteModule
  readonly mutator: Mutator
  readonly host: Host
  readonly user: string | null
  /** Deltas may reach this before the base is written anew; by default it goes by the base's size. */
  readonly rollupBytes?: number
}

/** One document on this device: its pages, its pending mutations and the queries that are kept up to date over both. */
export class Local {
  readonly #host: Host
  readonly #mutator: Mutator
  readonly #user: string | null
  readonly #store: LocalStore
  readonly #view: View
  readonly #receipts = new Receipts()
  readonly #watchers = new Set<() => void>()
  #timeline: Timeline
  /** The server has our timeline up to here, as far as we know. */
  #serverCursor: Lsn
  /** Timeline entries up to here, and everything that the base says, survive a crash. */
  #durable: { timeline: Lsn; start: Lsn }
  #forkAt: Lsn | null = null
  #isRestored = false
  #failure: LfError | null = null
  #wakePush: () => void = () => {}
  /** Kept before this start, applied since or not: calls that are repeated for them run nothing (T28). */
  readonly #recovered: ReadonlySet<string>

  /** Recovers what was stored. @throws LOG_CORRUPT MIGRATION_EDITED MIGRATION_FAILED */
  constructor({ opened, module, mutator, host, user, rollupBytes }: LocalOptions) {
    this.#host = host
    this.#mutator = mutator
    this.#user = user
    this.#store = new LocalStore(opened, host, rollupBytes)
    this.#view = new View({ module, storage: this.#store.storage, mutator, host })
    this.#timeline = this.#openTimeline()
    this.#durable = { timeline: this.#timeline.lsn(), start: this.#timeline.start() }
    this.#serverCursor = this.#timeline.start()
    this.#recovered = new Set(this.#timeline.pending().map(({ uid }) => uid))
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

  get durable(): boolean {
    return this.#store.streams.durable
  }

  get mutator(): Mutator {
    return this.#mutator
  }

  get failure(): LfError | null {
    return this.#failure
  }

  /** How many times live queries ran. */
  get queryRuns(): number {
    return this.#view.queryRuns
  }

  /** The base's checksum and page count: equal to the server's at `cursor` (I5). */
  get base(): { readonly checksum: bigint; readonly pageCount: number } {
    return { checksum: this.#store.storage.checksum, pageCount: this.#store.storage.basePageCount }
  }

  pending(): readonly Mutation[] {
    return this.#timeline.pending()
  }

  get pendingCount(): number {
    return this.#timeline.pendingCount
  }

  get rejections(): readonly Rejection[] {
    return this.#store.rejections
  }

  /**
   * Runs a mutation at once and keeps it. The receipt's `durable` resolves when it survives a crash of this device,
   * `remote` when the server has decided. Called again with a `uid` that is known it changes nothing (T28).
   * @throws MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE MUTATION_REJECTED PENDING_LIMIT LOG_FULL and then nothing happened
   */
  run(name: string, args: unknown, uid = uuidV7(this.#host.nowMs(), this.#host.randomBytes(10))): Receipt {
    if (this.#failure !== null) throw this.#failure
    if (this.#recovered.has(uid) || this.#receipts.find(uid) !== undefined) return this.follow(uid)
    if (this.#timeline.pendingCount >= PENDING_MAX) {
      throw new LfError("PENDING_LIMIT", `${PENDING_MAX} mutations wait for the server already`)
    }
    const mutation = this.#mutator.make({ uid, name, args, at: this.#host.nowMs() })
    const outcome = this.#timeline.apply(this.#view.db, mutation)
    if (outcome.type === "rejected") {
      throw new LfError("MUTATION_REJECTED", `${name}: ${outcome.code}`, { cause: outcome })
    }
    this.#timeline.append(mutation)
    const receipt = this.#receipts.open(uid, this.#flush())
    this.#notify()
    return receipt
  }

  /** The receipt of a mutation that was durable before: what is neither pending nor rejected was applied. */
  follow(uid: string): Receipt {
    const known = this.#receipts.find(uid)
    if (known !== undefined) return known
    const receipt = this.#receipts.open(uid, Promise.resolve())
    if (this.#timeline.pending().some((entry) => entry.uid === uid)) return receipt
    const rejection = this.#store.rejections.find((entry) => entry.uid === uid)
    this.#receipts.decide([{ uid, outcome: outcomeOf(rejection, this.cursor) }])
    return receipt
  }

  /** Rows of the view as it is now. @throws SQL_ERROR SQL_DENIED */
  query<R>(query: Query<R>): R[] {
    return this.#view.query(query)
  }

  /** Rows at once, then patches. Returns its undo. */
  subscribe(query: Query<unknown>, listener: (result: LiveResult) => void): () => void {
    return this.#view.subscribe(query, listener)
  }

  /** Calls `watcher` after anything but rows changed: pending, rejections, cursor, failure. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  async dismiss(uid: string): Promise<void> {
    this.#store.dismiss(uid)
    this.#tell()
    await this.#flush()
  }

  /** Takes over what was rejected of a log that this user claimed (T26), each once. Resolves when it is durable. */
  async adopt(rejections: readonly Rejection[]): Promise<void> {
    for (const rejection of rejections) this.#store.adopt(rejection)
    this.#tell()
    await this.#flush()
  }

  /**
   * A connection says where the server stands. Finds out whether the epoch changed (a restored server, T2) or somebody
   * else writes under our id (T1).
   */
  meet(welcome: Welcome): void {
    const isOther = welcome.epoch !== this.#store.epoch
    // A copy that still has everything which we dropped goes on where it ends: nothing needs a new id.
    this.#isRestored = isOther && this.#store.epoch !== "" && welcome.clientLsn < this.#timeline.start()
    if (isOther) {
      this.#store.forgetCursor()
      this.#forkAt = null
    }
    if (!this.#isRestored) this.#compareTimelines(welcome)
  }

  /**
   * Pushes what the server does not have. False: there was nothing to push now; `readyToPush` tells when there is.
   * Sending it twice changes nothing.
   */
  async pushMutations(link: Link): Promise<boolean> {
    if (this.#failure !== null) throw this.#failure
    if (this.#forkAt !== null || this.#isRestored) return false
    const batch = this.#timeline.sync(this.#serverCursor, this.#durable.timeline, PUSH_BYTES_MAX)
    if (batch.entries.length === 0) return false
    const { clientId } = this
    const reply = await link.syncMutations({
      type: "sync-mutations",
      batch,
      confirmed: this.#durable.start,
    })
    if (clientId !== this.clientId) return true
    const end = lsn(batch.from + batch.entries.length)
    if (reply.type === "cursor") {
      this.#serverCursor = end
      if (reply.lsn > end && reply.lsn > this.#timeline.lsn()) this.#forkFrom(end)
    } else if (reply.type === "gap") {
      if (reply.expected < this.#timeline.start()) this.#forkFrom(this.#timeline.start())
      else this.#serverCursor = reply.expected
    } else this.#forkFrom(reply.common)
    return true
  }

  /** Resolves when `pushMutations` may have something to do. */
  readyToPush(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakePush = resolve
    })
  }

  /** Waits for newer pages, puts them under, and runs what is pending again. Resolves when that is durable. */
  async rebase(link: Link, epoch: string): Promise<void> {
    const outcomesSeen = this.#durable.start
    const batch = await link.syncStorage({ type: "sync-storage", cursor: this.cursor, outcomesSeen })
    if (this.#failure !== null) throw this.#failure
    this.#receive(batch, epoch)
    await this.#flush()
  }

  /** Nothing more can be kept: everybody is told, and the document stops. The first error stays. */
  fail(error: unknown): LfError {
    const failure = toLfError(error, "DOC_STOPPED")
    if (this.#failure !== null) return failure
    this.#failure = failure
    this.#receipts.clear()
    this.#tell()
    return failure
  }

  /** Flushes and lets go. */
  async close(): Promise<void> {
    this.#failure ??= new LfError("LOG_CLOSED", "the document was closed on this device")
    this.#view.close()
    await this.#store.streams.close()
  }

  /** @throws CHECKSUM_MISMATCH BYTES_MALFORMED SQL_CORRUPT after which the pages are asked for from the beginning */
  #receive(batch: PageBatch, epoch: string): void {
    let refusal: LfError | null = null
    this.#view.swap(() => {
      try {
        this.#store.receive({ epoch, cursor: batch.to, changeset: batch.changeset })
      } catch (error) {
        // Not for our pages after all: what is there stays in view until everything has come again.
        refusal = toLfError(error, "BYTES_MALFORMED")
        this.#store.forgetCursor()
      }
      return batch.changeset
    })
    try {
      if (refusal === null) this.#takeDecisions(batch)
      this.#view.runPending(this.#timeline)
    } catch (error) {
      refusal = this.#dropBase(error)
    }
    this.#notify()
    this.#wakePush()
    if (refusal !== null) throw refusal
  }

  /** The base cannot be worked on: fetched again; pages that are no database go at once, the timeline stays (S11). */
  #dropBase(error: unknown): LfError {
    const refusal = toLfError(error, "SQL_CORRUPT")
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
    else if (plan.next === "probe") this.#probe()
  }

  /** Sent from the start, the server compares hash by hash and names the last common position. */
  #probe(): void {
    this.#serverCursor = this.#timeline.start()
    this.#isRestored = false
  }

  #plan(applied: Applied | null): ReturnType<typeof planRebase> {
    return planRebase({
      applied,
      timeline: timelineState(this.#timeline),
      serverCursor: this.#serverCursor,
      forkAt: this.#forkAt,
      isRestored: this.#isRestored,
    })
  }

  #applied(): Applied | null {
    return this.#store.storage.basePageCount === 0 ? null : readApplied(this.#view.db, this.clientId)
  }

  /** What is up to `dropTo` was decided: rejections are kept for their author, receipts told. */
  #settle(dropTo: Lsn, batch?: PageBatch): void {
    if (dropTo <= this.#timeline.start()) return
    const { decided, rejections } = readVerdicts(this.#view.db, this.#timeline, dropTo, batch?.outcomes ?? [])
    for (const rejection of rejections) this.#store.reject(rejection)
    this.#store.settle(dropTo)
    this.#timeline.drop(dropTo)
    this.#receipts.decide(decided)
  }

  #compareTimelines(welcome: Welcome): void {
    const meeting = planMeeting(timelineState(this.#timeline), { lsn: welcome.clientLsn, hash: welcome.clientHash })
    if (meeting.type === "agreed") this.#serverCursor = meeting.cursor
    else if (meeting.type === "fork") this.#forkFrom(meeting.common)
    else this.#probe()
  }

  #forkFrom(common: Lsn): void {
    if (this.#failure !== null) return
    this.#forkAt = common > this.#timeline.start() ? common : this.#timeline.start()
    const plan = this.#plan(this.#applied())
    if (plan.next !== "renumber") return
    // What the base turns out to have already must not be run on top of it once more (I6).
    this.#view.swap(() => ({ isWhole: false }))
    this.#settle(plan.dropTo)
    this.#renumber()
    this.#view.runPending(this.#timeline)
    this.#flush().catch(() => {}) // fail has told everybody
    this.#notify()
  }

  /**
   * The rest of the timeline goes to a new client id; uids stay, so everything is still found exactly once. A clone may
   * have gone there before us: what of ours the base shows under the new id is decided at once.
   */
  #renumber(batch?: PageBatch): void {
    const rest = this.#timeline.pending()
    this.#store.renewIdentity(this.#host, rest.at(0))
    this.#timeline = this.#openTimeline()
    for (const mutation of rest) this.#timeline.append(mutation)
    this.#serverCursor = lsn(0)
    this.#durable = { timeline: lsn(0), start: lsn(0) }
    this.#forkAt = null
    this.#isRestored = false
    this.#settle(this.#plan(this.#applied()).dropTo, batch)
    this.#wakePush()
  }

  #openTimeline(): Timeline {
    return new Timeline(this.#store.streams, { clientId: this.clientId, mutator: this.#mutator, user: this.#user })
  }

  async #flush(): Promise<void> {
    const timeline = this.#timeline
    const at = { timeline: timeline.lsn(), start: timeline.start() }
    try {
      await this.#store.flush()
    } catch (error) {
      throw this.fail(error)
    }
    if (timeline !== this.#timeline) return
    const { timeline: last, start } = this.#durable
    this.#durable = { timeline: lsn(Math.max(last, at.timeline)), start: lsn(Math.max(start, at.start)) }
    this.#wakePush()
  }

  #notify(): void {
    this.#view.notify()
    this.#tell()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
