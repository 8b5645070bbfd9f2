import { LfError, toLfError } from "../base/error.ts"
import type { Cancel, Host } from "../base/host.ts"
import { uuidV7 } from "../base/ids.ts"
import type { Lsn } from "../base/lsn.ts"
import type { Link } from "../network/link.ts"
import type { Welcome } from "../network/message.ts"
import type { Database } from "../sqlite/database.ts"
import type { Query } from "../sqlite/sql.ts"
import type { PageStore } from "../sqlite/vfs.ts"
import type { Storage } from "../storage/storage.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { refusalOf } from "../timeline/outcome.ts"
import { Timeline } from "../timeline/timeline.ts"
import type { LiveQueries, LiveSubscription } from "./live-queries.ts"
import type { LiveResult } from "./live-query.ts"
import type { RejectedMutation, RejectionChange } from "./local-entries.ts"
import { type LocalOptions, PENDING_MAX } from "./local-options.ts"
import { LocalStore } from "./local-store.ts"
import type { LocalProbe } from "./probe.ts"
import { type LocalReceipt, Receipts } from "./receipts.ts"
import { type Pulled, Reconciler } from "./reconciler.ts"
import { type PagesWatcher, View } from "./view.ts"

/** Pulled pages are durable after this long at the latest. Until then a mutation's flush may take them along. */
const FLUSH_LATER_MS = 50

/** The parts of a document, for development tools. */
export interface LocalInside {
  readonly db: Database
  readonly storage: Storage
  readonly timeline: Timeline
}

/** One document on this device: its pages, its pending mutations and the queries that are kept up to date over both. */
export class Local {
  readonly #host: Host
  readonly #mutator: Mutator
  readonly #store: LocalStore
  readonly #view: View
  readonly #receipts = new Receipts()
  readonly #watchers = new Set<() => void>()
  readonly #reconciler: Reconciler
  #cancelFlush: Cancel | null = null
  #failure: LfError | null = null

  /** Recovers what was stored. @throws LOG_CORRUPT MIGRATION_EDITED MIGRATION_FAILED */
  constructor(options: LocalOptions) {
    const { opened, module, mutator, host, user, rollupBytes, runsPerSlice } = options
    const { crashed = new Set(), rehearsals, onRerun } = options
    this.#host = host
    this.#mutator = mutator
    this.#store = new LocalStore(opened, host, rollupBytes)
    const { storage, streams } = this.#store
    const onCrash = (error: LfError) => void this.fail(error)
    const view = { module, storage, mutator, host, runsPerSlice, crashed, onCrash, onRerun }
    this.#view = View.open(view, () => this.#store.dropBase())
    this.#reconciler = new Reconciler({
      store: this.#store,
      view: this.#view,
      receipts: this.#receipts,
      host,
      openTimeline: () => new Timeline(streams, { clientId: this.clientId, mutator, user, crashed, rehearsals }),
      document: {
        failure: () => this.#failure,
        flush: () => this.#flush(),
        flushLater: () => this.#flushLater(),
        notify: () => this.#notify(),
        notifyWatchers: () => this.#notifyWatchers(),
      },
    })
    this.#reconciler.recover()
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

  get pulled(): Pulled {
    return this.#reconciler.pulled
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
    return [...this.#store.refused, ...this.#reconciler.timeline.pending()]
  }

  /** Pending mutations have positions `start + 1` to `lsn` under `clientId`: what came and went since is read off them. */
  get pendingRange(): { readonly clientId: string; readonly start: Lsn; readonly lsn: Lsn } {
    return { clientId: this.clientId, start: this.#reconciler.timeline.start(), lsn: this.#reconciler.timeline.lsn() }
  }

  pendingAfter(position: Lsn): Mutation[] {
    return [...this.#reconciler.timeline.pendingAfter(position)]
  }

  get pendingCount(): number {
    return this.#store.refused.length + this.#reconciler.timeline.pendingCount
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
    if (this.#reconciler.timeline.pendingCount >= PENDING_MAX) {
      throw new LfError("PENDING_LIMIT", `${PENDING_MAX} mutations wait, and no more may: connect first`)
    }
    const mutation = this.#mutator.make({ uid, name, args, at: this.#host.nowMs() })
    const { outcome, thrown } = this.#view.apply(this.#reconciler.timeline, mutation)
    if (outcome.type === "rejected") throw refusalOf(name, outcome, thrown)
    this.#reconciler.timeline.append(mutation)
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
    if (!this.#reconciler.timeline.isPending(uid)) this.#receipts.decide([{ uid, outcome }])
    return receipt
  }

  /** Whether it is pending here or its outcome is known. */
  isKnown(uid: string): boolean {
    const known = this.#receipts.find(uid) ?? this.#store.outcomeOf(uid)
    return known !== undefined || this.#reconciler.timeline.isPending(uid)
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

  /** The pages of the view, for a connection that reads several documents. */
  get pages(): PageStore {
    return this.#view.pages
  }

  watchPages(watcher: PagesWatcher): () => void {
    return this.#view.watchPages(watcher)
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
    this.#reconciler.meet(welcome)
  }

  /**
   * Pushes what the server does not have. `nothing`: `readyToPush` resolves when there is something; `later`: the server has
   * no room for it now. Sending it twice changes nothing.
   */
  pushMutations(link: Link, maxBytes?: number): Promise<"more" | "nothing" | "later"> {
    return this.#reconciler.pushMutations(link, maxBytes)
  }

  /** Resolves when `pushMutations` may have something to do. */
  readyToPush(): Promise<void> {
    return this.#reconciler.readyToPush()
  }

  /** Waits for newer pages, puts them under, and runs what is pending again. They are durable a moment later. */
  rebase(link: Link, epoch: string): Promise<void> {
    return this.#reconciler.rebase(link, epoch)
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

  /** What development tools look at. Nothing of it may be changed. */
  get inside(): LocalInside {
    return { db: this.#view.db, storage: this.#store.storage, timeline: this.#reconciler.timeline }
  }

  /** Bytes at rest, about: the base and what was appended since it was written. */
  get storedBytes(): number {
    return this.#store.storage.baseBytes + this.#store.streams.bytesSinceRollup
  }

  /** Calls `probe` with what happens from now on; null: nothing is measured any more. */
  set probe(probe: LocalProbe | null) {
    this.#view.probe = probe
    this.#receipts.onDecided = probe === null ? null : (outcomes) => probe.decided(outcomes)
  }

  /** Flushes and releases the log. */
  async close(): Promise<void> {
    this.#failure ??= new LfError("LOG_CLOSED", "the document was closed on this device")
    this.#cancelFlush?.()
    try {
      this.#view.close(this.#failure)
    } finally {
      await this.#store.close()
    }
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#host.after(FLUSH_LATER_MS, () => {
      this.#cancelFlush = null
      if (this.#failure === null) this.#flush().catch(() => {}) // `fail` has reported it
    })
  }

  async #flush(): Promise<void> {
    this.#cancelFlush?.()
    this.#cancelFlush = null
    try {
      await this.#reconciler.flush()
    } catch (error) {
      throw this.fail(error)
    }
    this.#store.rollupIfDue()?.catch((error) => this.fail(error))
  }

  #notify(): void {
    this.#view.notify()
    this.#notifyWatchers()
  }

  #notifyWatchers(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
