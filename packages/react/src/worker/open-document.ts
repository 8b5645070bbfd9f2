import { type ErrorCode, LfError, type Mutator, type RejectedMutation } from "@lf/core"
import {
  type Cancel,
  Local,
  loadChecksum,
  msOfUuid,
  Presences,
  type Rehearsals,
  type RejectionChange,
  Session,
  type SessionState,
  toLfError,
} from "@lf/core/internal"
import type { Ownership, Platform } from "../platform/port.ts"
import type { DocumentState } from "../rpc/protocol.ts"
import { errorToSent } from "../rpc/sent-error.ts"
import { claimKey, ownerLock, storageKey } from "../rpc/storage-key.ts"
import { AnonymousLogAdoption, adoptWholeLog } from "./adopt-anonymous.ts"
import { NetworkMeter } from "./metered-network.ts"
import { withinLimits } from "./opening-limits.ts"
import type { PendingParts } from "./pending-feed.ts"

export interface DocumentOptions {
  readonly doc: string
  readonly user: string | null
  readonly url: string
  readonly mutator: Mutator
  readonly platform: Platform
  /** Mutations that crashed SQLite in this worker: they are not run again (T43). */
  readonly crashed: Set<string>
  readonly token: () => Promise<string | null>
  /** Resolves when there is room for one more open document, to what gives it back. Default: at once. */
  readonly takePlace?: () => Promise<Cancel>
  /** Development: each mutator runs twice, and both runs are compared. */
  readonly rehearsals?: Rehearsals | undefined
  /** Anything but rows and rejections changed. */
  readonly onState: () => void
  readonly onRejection: (change: RejectionChange) => void
  /** All rejections changed: the document was opened. */
  readonly onOpened: () => void
  /** The document was deleted on this device; the next use opens it again. */
  readonly onCleared: () => void
  /** It failed; reopening may help. Called once, after all callers got the error. */
  readonly onFailed: () => void
  /** A newer build owns the document now. */
  readonly onReplaced: (error: LfError) => void
}

const REOPENABLE: ReadonlySet<ErrorCode> = new Set([
  "LOG_FULL",
  "LOG_FAILED",
  "LOG_DEPOSED",
  "SQL_CRASHED",
  "WORKER_FAILED",
])
const CONNECTING: SessionState = { status: "connecting", error: null, isUpToDate: false, firstSync: null }

/** One document that this worker owns: opened once, used by every tab that requests it. */
export class OpenDocument {
  readonly #options: DocumentOptions
  readonly #key: string
  /** The document, when it is open; rejects when it cannot be. */
  readonly local: Promise<Local>
  /** As `local`, and rejects as well when opening takes too long. */
  #inTime: Promise<Local>
  #givePlaceBack: Cancel | null = null
  #placedMs: number | null = null
  readonly presences: Presences
  readonly meter: NetworkMeter
  #ownership: Ownership | null = null
  #session: Session | null = null
  #adoption: AnonymousLogAdoption | null = null
  #opened: Local | null = null
  #url: string
  #isOnline = true
  #isClosed = false
  #failure: LfError | null = null
  /** Opening takes too long, for this reason. */
  #late: LfError | null = null
  #hasReportedFailure = false
  #cleared: Promise<void> | null = null
  /** When the anonymous log was last moved to the user. */
  #movedMs: number | null = null

  constructor(options: DocumentOptions) {
    this.#options = options
    this.#key = storageKey(options.user, options.doc)
    this.#url = options.url
    this.presences = new Presences(options.platform.host)
    this.meter = new NetworkMeter(() => options.platform.host.nowMs())
    this.local = this.#open()
    this.#inTime = withinLimits({
      host: options.platform.host,
      opening: this.local,
      placedMs: () => this.#placedMs,
      isOwned: () => this.#ownership !== null,
      onLate: (error) => {
        this.#late = error
        options.onState()
      },
      onRecovered: () => {
        this.#inTime = this.local
      },
    })
    this.local.catch((error: unknown) => {
      this.#failure = toLfError(error, "WORKER_FAILED")
      this.#notify()
    })
  }

  get state(): DocumentState {
    const local = this.#opened
    const failure = local?.failure ?? this.#failure ?? this.#late
    const { status, isUpToDate, firstSync, ...session } = this.#session?.state ?? CONNECTING
    const isSound = failure === null
    const error = failure ?? session.error ?? this.#adoption?.failure ?? null
    return {
      status: isSound ? status : statusOf(failure.code),
      error: error === null ? null : errorToSent(error),
      isOpen: local !== null && isSound,
      isOnlineWanted: this.#isOnline,
      pendingCount: this.pendingCount,
      lsn: local?.cursor ?? 0,
      isDurable: local?.isDurable ?? true,
      isUpToDate: isUpToDate && isSound,
      firstSync: isSound ? firstSync : null,
      traffic: {
        bytesIn: this.meter.bytesIn,
        bytesOut: this.meter.bytesOut,
        pagesIn: local?.pulled.pages ?? 0,
        rebases: local?.pulled.rebases ?? 0,
      },
    }
  }

  /**
   * Runs `work` once the document is open; never while it is being cleared: its tabs repeat the call at the next one.
   * @throws what it cannot be opened for, LOG_OWNED or WORKER_FAILED when that takes too long
   */
  async use<T>(work: (local: Local) => T | Promise<T>): Promise<T> {
    const local = await this.#inTime
    // A promise of its own, which is collected together with its callers.
    return this.#cleared === null ? await work(local) : await new Promise<never>(() => {})
  }

  /**
   * A tab repeats its call at the next worker, where the log that may have it is the user's by now (T26): it is neither run
   * a second time nor reported as refused.
   * @throws WORKER_FAILED
   */
  checkNotMoved(local: Local, uid: string): void {
    if (this.#movedMs === null || msOfUuid(uid) > this.#movedMs || local.isKnown(uid)) return
    const why = "the worker ended before it answered, then what was written here went to who signed in"
    throw new LfError("WORKER_FAILED", `${why}; it may still be done`)
  }

  /** It is being deleted, or was. */
  get isCleared(): boolean {
    return this.#cleared !== null
  }

  /** Of this log and the adopted one: all that the user still waits for. */
  get pendingCount(): number {
    return (this.#adoption?.pendingCount ?? 0) + (this.#opened?.pendingCount ?? 0)
  }

  /**
   * As `pendingCount` once it is open, behind what tabs have posted before; of one that is being cleared nothing waits.
   * @throws what it cannot be opened for, LOG_OWNED or WORKER_FAILED when that takes too long
   */
  async countPending(): Promise<number> {
    await this.#inTime
    return this.isCleared ? 0 : this.pendingCount
  }

  pendingParts(): PendingParts {
    const local = this.#opened
    return {
      claimed: this.#adoption?.pending ?? [],
      range: local?.pendingRange ?? null,
      after: (position) => local?.pendingAfter(position) ?? [],
    }
  }

  get rejections(): readonly RejectedMutation[] {
    return this.#opened?.rejections ?? []
  }

  /** Live queries with listeners. */
  get queryCount(): number {
    return this.#isClosed ? 0 : (this.#opened?.reads.count ?? 0)
  }

  /** It stopped for a reason that may pass: a full disk, or a network error while loading the wasm. */
  get canReopen(): boolean {
    const failure = this.#opened?.failure ?? this.#failure
    return !this.#isClosed && failure !== null && REOPENABLE.has(failure.code)
  }

  get wasOpen(): boolean {
    return this.#opened !== null
  }

  /** For development tools; null: it is not open yet, or any more. */
  get opened(): Local | null {
    return this.#isClosed ? null : this.#opened
  }

  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    this.#session?.setOnline(isOnline)
    this.#adoption?.setOnline(isOnline)
    this.#options.onState()
  }

  /** The server has another address now: disconnects from the old one. */
  setUrl(url: string): void {
    if (url === this.#url) return
    this.#url = url
    if (this.#opened === null || this.#isClosed) return
    this.#session?.stop()
    this.#session = this.#connect(this.#opened)
    if (!this.#isOnline) this.#session.setOnline(false)
  }

  /** The anonymous log of this document may hold something that is this user's now. */
  lookForClaim(): void {
    this.#adoption?.look()
  }

  poke(): void {
    this.#session?.poke()
    this.#adoption?.poke()
  }

  /** Flushes, closes and releases the lock. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#session?.stop()
    try {
      await this.#adoption?.stop()
      await this.#opened?.close()
    } finally {
      this.#ownership?.release()
      this.#givePlaceBack?.()
    }
  }

  /** Deletes the document on this device; `reopen` lets its tabs go on. @throws PENDING_REFUSED */
  async clear(pending: "refuse" | "discard"): Promise<void> {
    const local = await this.#inTime
    if (this.#cleared === null && pending === "refuse" && this.pendingCount > 0) {
      throw new LfError(
        "PENDING_REFUSED",
        `${this.pendingCount} changes have not reached the server: wait, or pass { pending: "discard" }`,
      )
    }
    this.#cleared ??= this.#clear(local)
    await this.#cleared
  }

  /** After the answer to a `clear`: its tabs repeat their pending calls. */
  reopen(): void {
    if (this.#cleared !== null) this.#options.onCleared()
  }

  async #clear(local: Local): Promise<void> {
    local.discard()
    this.#adoption?.discard()
    await this.close()
    const { platform, user, doc } = this.#options
    if (user !== null) await platform.deleteLog(claimKey(user, doc))
    await platform.deleteLog(this.#key)
  }

  async #open(): Promise<Local> {
    await loadChecksum()
    const givePlaceBack = (await this.#options.takePlace?.()) ?? (() => {})
    try {
      this.#givePlaceBack = givePlaceBack
      this.#placedMs = this.#options.platform.host.monotonicMs()
      return await this.#openInPlace()
    } catch (error) {
      givePlaceBack()
      throw error
    }
  }

  async #openInPlace(): Promise<Local> {
    const { platform, mutator, user, doc, crashed, rehearsals } = this.#options
    const owning = platform.own(ownerLock(this.#key), {
      migrations: mutator.migrations.length,
      onAsked: (migrations, isTwin) => (isTwin ? this.#yield() : this.#handOver(migrations)),
    })
    const [ownership, module] = await Promise.all([
      owning.then((owned) => {
        this.#ownership = owned
        return owned
      }),
      platform.loadSqlite(),
    ]).catch((error: unknown) => {
      // Otherwise the next attempt would wait for this one forever.
      void owning.then((owned) => owned.release()).catch(() => {}) // never ours
      throw error
    })
    try {
      if (this.#isClosed) throw new LfError("LOG_CLOSED", "the document was closed while it was opened")
      if (user !== null) await adoptWholeLog({ platform, doc, user })
      this.#movedMs = user === null ? await platform.movedMs(this.#key) : null
      const opened = await platform.openLog(this.#key)
      const local = new Local({ opened, module, mutator, host: platform.host, user, crashed, rehearsals })
      this.#opened = local
      this.#late = null
      local.watch(() => this.#notify(), this.#options.onRejection)
      opened.log.watch?.((error) => local.fail(error))
      const connect = (to: Local) => this.#connect(to)
      this.#session = connect(local)
      if (user !== null) {
        this.#adoption = new AnonymousLogAdoption({
          platform,
          doc,
          user,
          mutator,
          into: local,
          connect,
          onChange: this.#options.onState,
        })
      }
      if (!this.#isOnline) this.setOnline(false)
      this.#options.onOpened()
      this.#options.onState()
      return local
    } catch (error) {
      ownership.release()
      throw error
    }
  }

  #connect(local: Local): Session {
    const { platform, doc, user, token, onState } = this.#options
    return new Session({
      docId: doc,
      local,
      network: this.meter.watch(platform.network(this.#url)),
      host: platform.host,
      token,
      user,
      presences: this.presences,
      onChange: onState,
    })
  }

  #notify(): void {
    this.#options.onState()
    if (!this.canReopen || this.#hasReportedFailure) return
    this.#hasReportedFailure = true
    this.#options.onFailed()
  }

  /** A worker of this build serves the tabs now, since this one was frozen: they find the document there. */
  #yield(): boolean {
    // The question comes again; one that closes lets go by itself.
    if (this.#opened === null) return false
    this.#opened.fail(new LfError("LOG_DEPOSED", "another worker has the document now"))
    return true
  }

  /** A worker of another build asks for the document. It is refused if its code is older: knows fewer migrations. */
  #handOver(migrations: number): boolean {
    if (migrations < this.#options.mutator.migrations.length) return false
    const error = new LfError("WORKER_REPLACED", "a newer version of the app took over; load this page again")
    this.#failure = error
    void this.close().finally(() => this.#options.onReplaced(error))
    return true
  }
}

function statusOf(code: ErrorCode): DocumentState["status"] {
  return code === "WORKER_REPLACED" || code === "SCHEMA_NEWER" || code === "LOG_FORMAT_NEWER" ? "needs-update" : "error"
}
