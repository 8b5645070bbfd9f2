import { LfError, toLfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import type { OpenedLog } from "../journal/log.ts"
import type { Link, PageBatch } from "../network/link.ts"
import { PUSH_BYTES_MAX, type Welcome } from "../network/message.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { schemaCookie } from "../sqlite/page.ts"
import { compileQuery, type Query } from "../sqlite/sql.ts"
import { type Mutation, mutationCodec } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { migrate } from "../timeline/schema.ts"
import { Timeline } from "../timeline/timeline.ts"
import { LiveQueries, type LiveResult } from "./live-query.ts"
import { LocalStore, type Rejection } from "./local-store.ts"
import { type Applied, planRebase } from "./rebase-plan.ts"
import { type PendingOutcome, type Receipt, Receipts, type RemoteOutcome } from "./receipts.ts"

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
  readonly #db: Database
  readonly #queries = new LiveQueries()
  readonly #receipts = new Receipts()
  readonly #watchers = new Set<() => void>()
  #timeline: Timeline
  /** The server has our timeline up to here, as far as we know. */
  #serverCursor: Lsn
  /** Timeline entries up to here, and everything that the base says, survive a crash. */
  #durable: { timeline: Lsn; start: Lsn }
  #forkAt: Lsn | null = null
  #isRestored = false
  #schemaIsLocal = false
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
    this.#db = new Database(module, this.#store.storage)
    this.#db.setClock(() => host.nowMs())
    this.#timeline = this.#openTimeline()
    this.#durable = { timeline: this.#timeline.lsn(), start: this.#timeline.start() }
    this.#serverCursor = this.#timeline.start()
    this.#recovered = new Set(this.#timeline.pending().map(({ uid }) => uid))
    // A base and the rejections that came with it were flushed together: nothing is reported a second time here.
    this.#timeline.drop(this.#plan(this.#applied()).dropTo)
    this.#runPending()
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
    return this.#queries.runs
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
    const known = this.#receipts.find(uid)
    if (known !== undefined) return known
    if (this.#recovered.has(uid)) return this.follow(uid)
    if (this.#timeline.pendingCount >= PENDING_MAX) {
      throw new LfError("PENDING_LIMIT", `${PENDING_MAX} mutations wait for the server already`)
    }
    const mutation = this.#make(name, args, uid)
    const outcome = this.#timeline.apply(this.#db, mutation)
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
    const outcome: RemoteOutcome =
      rejection === undefined
        ? { type: "applied", lsn: this.cursor }
        : { type: "rejected", code: rejection.code, data: rejection.data }
    this.#receipts.decide([{ uid, outcome }])
    return receipt
  }

  /** Rows of the view as it is now. @throws SQL_ERROR SQL_DENIED */
  query<R>(query: Query<R>): R[] {
    return this.#db.all(query)
  }

  /** Rows at once, then patches. Returns its undo. */
  subscribe(query: Query<unknown>, listener: (result: LiveResult) => void): () => void {
    return this.#queries.listen(this.#db, compileQuery(query), listener)
  }

  /** Calls `watcher` after anything but rows changed: pending, rejections, cursor, failure. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  async dismiss(uid: string): Promise<void> {
    this.#store.dismiss(uid)
    this.#tell()
    await this.#flush()
  }

  /**
   * A connection says where the server stands. Finds out whether the epoch changed (a restored server, T2) or somebody
   * else writes under our id (T1).
   */
  meet(welcome: Welcome): void {
    if (welcome.epoch !== this.#store.epoch) {
      // A copy that still has everything which we dropped goes on where it ends: nothing needs a new id.
      this.#isRestored = this.#store.epoch !== "" && welcome.clientLsn < this.#timeline.start()
      this.#store.forgetCursor()
      this.#forkAt = null
      if (!this.#isRestored) this.#compareTimelines(welcome)
      return
    }
    this.#isRestored = false
    this.#compareTimelines(welcome)
  }

  /**
   * Pushes what the server does not have. False: there was nothing to push now; `readyToPush` tells when there is.
   * Sending it twice changes nothing.
   */
  async pushMutations(link: Link): Promise<boolean> {
    if (this.#forkAt !== null || this.#isRestored) return false
    const batch = this.#timeline.read(this.#serverCursor, PUSH_BYTES_MAX)
    // Only what survives a crash here may be known there, or the server's copy would run ahead of ours (I1).
    const entries = batch.entries.slice(0, Math.max(0, this.#durable.timeline - batch.from))
    if (entries.length === 0) return false
    const { clientId } = this
    const reply = await link.syncMutations({
      type: "sync-mutations",
      batch: { ...batch, entries },
      confirmed: this.#durable.start,
    })
    if (clientId !== this.clientId) return true
    const end = lsn(batch.from + entries.length)
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
    const { cursor } = this.#store
    const batch = await link.syncStorage({ type: "sync-storage", cursor, outcomesSeen: this.#durable.start })
    if (this.#failure !== null) throw this.#failure
    this.#receive(batch, epoch)
    await this.#flush()
  }

  /** Flushes and lets go. */
  async close(): Promise<void> {
    this.#failure ??= new LfError("LOG_CLOSED", "the document was closed on this device")
    this.#db.close()
    await this.#store.streams.close()
  }

  /** @throws CHECKSUM_MISMATCH BYTES_MALFORMED SQL_CORRUPT after which the pages are asked for from the beginning */
  #receive(batch: PageBatch, epoch: string): void {
    const storage = this.#store.storage
    const cookie = schemaCookie(storage.page(1))
    storage.revert()
    let refusal: LfError | null = null
    try {
      this.#store.receive({ epoch, cursor: batch.to, changeset: batch.changeset })
    } catch (error) {
      // Not for our pages after all: what is there stays in view until everything has come again.
      refusal = toLfError(error, "BYTES_MALFORMED")
      this.#store.forgetCursor()
    }
    this.#afterSwap(cookie)
    if (refusal === null) this.#takeDecisions(batch)
    this.#runPending()
    this.#notify()
    this.#wakePush()
    if (refusal !== null) throw refusal
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

  /** The pages under the connection are others: equal cookies would hide another schema (T16). */
  #afterSwap(cookieBefore: number): void {
    const cookie = schemaCookie(this.#store.storage.page(1))
    if (this.#schemaIsLocal || cookie !== cookieBefore) this.#db.reopen()
    else this.#db.resetCache()
    this.#schemaIsLocal = false
  }

  /** Brings the schema up to the code's in the overlay, then runs what is pending. */
  #runPending(): void {
    this.#schemaIsLocal = migrate(this.#db, this.#mutator)
    this.#timeline.rebase(this.#db)
    this.#db.setClock(() => this.#host.nowMs())
    this.#db.seed(0)
  }

  #plan(applied: Applied | null): ReturnType<typeof planRebase> {
    const timeline = this.#timeline
    return planRebase({
      applied,
      timeline: { start: timeline.start(), lsn: timeline.lsn(), hashAt: (at) => timeline.hashAt(at) },
      serverCursor: this.#serverCursor,
      forkAt: this.#forkAt,
      isRestored: this.#isRestored,
    })
  }

  #applied(): Applied | null {
    if (this.#store.storage.basePageCount === 0) return null
    const [row] = this.#db.exec("select lsn, hash from __lf_mutations where client_id = ?", this.clientId)
    if (row === undefined) return null
    return { lsn: lsn(Number(row.lsn)), hash: BigInt.asUintN(64, BigInt(row.hash as number | bigint)) }
  }

  /** What is up to `dropTo` was decided: rejections are kept for their author, receipts told. */
  #settle(dropTo: Lsn, batch?: PageBatch): void {
    const start = this.#timeline.start()
    if (dropTo <= start) return
    const codes = new Map<string, string>()
    for (const row of this.#db.exec(
      "select uid, code from __lf_rejections where client_id = ? and lsn > ? and lsn <= ?",
      this.clientId,
      start,
      dropTo,
    )) {
      codes.set(String(row.uid), String(row.code))
    }
    const decided: PendingOutcome[] = []
    for (const { lsn: at, entry } of this.#timeline.pendingWithLsn()) {
      if (at > dropTo) break
      const code = codes.get(entry.uid)
      if (code === undefined) decided.push({ uid: entry.uid, outcome: { type: "applied", lsn: at } })
      else {
        const data = batch?.outcomes.find(({ uid }) => uid === entry.uid)?.data ?? null
        this.#store.reject({ uid: entry.uid, name: entry.name, args: entry.args, at: entry.at, code, data })
        decided.push({ uid: entry.uid, outcome: { type: "rejected", code, data } })
      }
    }
    this.#timeline.drop(dropTo)
    this.#receipts.decide(decided)
  }

  #compareTimelines(welcome: Welcome): void {
    const timeline = this.#timeline
    const { clientLsn, clientHash } = welcome
    if (clientLsn < timeline.start()) {
      this.#forkFrom(timeline.start())
    } else if (clientLsn <= timeline.lsn() && timeline.hashAt(clientLsn) === clientHash) {
      this.#serverCursor = clientLsn
    } else if (timeline.pendingCount === 0) {
      this.#forkFrom(timeline.lsn())
    } else {
      this.#probe()
    }
  }

  #forkFrom(common: Lsn): void {
    if (this.#failure !== null) return
    this.#forkAt = common > this.#timeline.start() ? common : this.#timeline.start()
    const plan = this.#plan(this.#applied())
    if (plan.next !== "renumber") return
    // What the base turns out to have already must not be run on top of it once more (I6).
    const cookie = schemaCookie(this.#store.storage.page(1))
    this.#store.storage.revert()
    this.#afterSwap(cookie)
    this.#settle(plan.dropTo)
    this.#renumber()
    this.#runPending()
    this.#flush().catch(() => {}) // #fail has told everybody
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

  #make(name: string, args: unknown, uid: string): Mutation {
    this.#mutator.find(name).parse(args)
    // What is journaled is what the wire can carry: encoded and decoded once, later changes by the caller are not seen.
    return mutationCodec.decode(mutationCodec.encode({ uid, name, args, at: this.#host.nowMs() }))
  }

  async #flush(): Promise<void> {
    const timeline = this.#timeline
    const at = { timeline: timeline.lsn(), start: timeline.start() }
    try {
      await this.#store.flush()
    } catch (error) {
      throw this.#fail(error)
    }
    if (timeline !== this.#timeline) return
    if (at.timeline > this.#durable.timeline) this.#durable.timeline = at.timeline
    if (at.start > this.#durable.start) this.#durable.start = at.start
    this.#wakePush()
  }

  #fail(error: unknown): LfError {
    const failure = error instanceof LfError ? error : new LfError("DOC_STOPPED", String(error), { cause: error })
    if (this.#failure === null) {
      this.#failure = failure
      this.#receipts.fail(failure)
      this.#tell()
    }
    return failure
  }

  #notify(): void {
    this.#db.setClock(() => this.#host.nowMs())
    this.#queries.notify(this.#db, this.#store.storage.takeChanges())
    this.#tell()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
