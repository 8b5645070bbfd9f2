import { type ErrorCode, LfError, type Mutator, type RejectedMutation } from "@lf/core"
import {
  type Cancel,
  Local,
  loadChecksum,
  msOfUuid,
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
import type { PendingParts } from "./pending-feed.ts"

/** A document whose lock another worker keeps for so long cannot be opened now: whoever waits is told (H3). */
const OWNED_MS_MAX = 10_000
/** Nor can one that is not open after so long for any other reason. It is still opened if that ends. */
const OPEN_MS_MAX = 60_000

export interface DocumentOptions {
  readonly doc: string
  readonly user: string | null
  readonly url: string
  readonly mutator: Mutator
  readonly platform: Platform
  /** What crashed SQLite in this worker: it is not run again (T43). */
  readonly crashed: Set<string>
  readonly token: () => Promise<string | null>
  /** Anything but rows and rejections changed. */
  readonly onState: () => void
  readonly onRejection: (change: RejectionChange) => void
  /** The rejections are others: the document was opened. */
  readonly onOpened: () => void
  /** The document was forgotten on this device: whoever wants it opens it anew. */
  readonly onCleared: () => void
  /** It cannot go on; opening it anew may help. Told once, after everybody who waited was told why. */
  readonly onFailed: () => void
  /** A newer build owns the document now. */
  readonly onReplaced: (error: LfError) => void
}

const MENDABLE: ReadonlySet<ErrorCode> = new Set([
  "LOG_FULL",
  "LOG_FAILED",
  "LOG_DEPOSED",
  "SQL_CRASHED",
  "WORKER_FAILED",
])
const CONNECTING: SessionState = { status: "connecting", error: null, isUpToDate: false, firstSync: null }

/** One document that this worker owns: opened once, used by every tab that asks for it. */
export class OpenDocument {
  readonly #options: DocumentOptions
  readonly #key: string
  /** The document, when it is open; rejects when it cannot be. */
  readonly local: Promise<Local>
  /** As `local`, and rejects as well when opening takes too long. */
  #inTime: Promise<Local>
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
  #hasToldFailure = false
  #cleared: Promise<void> | null = null
  /** When the log from before a sign-in last went over to the user. */
  #movedMs: number | null = null

  constructor(options: DocumentOptions) {
    this.#options = options
    this.#key = storageKey(options.user, options.doc)
    this.#url = options.url
    this.local = this.#open()
    this.#inTime = this.#withinLimits(this.local)
    this.local.catch((error: unknown) => {
      this.#failure = toLfError(error, "WORKER_FAILED")
      this.#tell()
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
      isDurable: local?.durable ?? true,
      isUpToDate: isUpToDate && isSound,
      firstSync: isSound ? firstSync : null,
    }
  }

  /**
   * Does something with the document once it is open; never with one that is being cleared: its tabs ask the next one again.
   * @throws what it cannot be opened for, LOG_OWNED or WORKER_FAILED when that takes too long
   */
  async use<T>(work: (local: Local) => T | Promise<T>): Promise<T> {
    const local = await this.#inTime
    // A promise of its own: what waits for it goes with it.
    return this.#cleared === null ? await work(local) : await new Promise<never>(() => {})
  }

  /**
   * A tab repeats its call at the next worker, where the log that may have it is the user's by now (T26): it is neither run
   * a second time nor said to be refused.
   * @throws WORKER_FAILED
   */
  checkNotMoved(local: Local, uid: string): void {
    if (this.#movedMs === null || msOfUuid(uid) > this.#movedMs || local.isKnown(uid)) return
    const why = "the worker ended before it answered, then what was written here went to who signed in"
    throw new LfError("WORKER_FAILED", `${why}; it may still be done`)
  }

  /** It is being forgotten, or was. */
  get isCleared(): boolean {
    return this.#cleared !== null
  }

  /** Here and in what is claimed: all that the user still waits for. */
  get pendingCount(): number {
    return (this.#adoption?.pendingCount ?? 0) + (this.#opened?.pendingCount ?? 0)
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

  /** Live queries that are listened to. */
  get queryCount(): number {
    return this.#isClosed ? 0 : (this.#opened?.reads.count ?? 0)
  }

  /** It stopped for a reason that may pass: a full disk, a network that did not give the wasm. */
  get canReopen(): boolean {
    const failure = this.#opened?.failure ?? this.#failure
    return !this.#isClosed && failure !== null && MENDABLE.has(failure.code)
  }

  get wasOpen(): boolean {
    return this.#opened !== null
  }

  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    this.#session?.setOnline(isOnline)
    this.#adoption?.setOnline(isOnline)
    this.#options.onState()
  }

  /** The server is elsewhere now: what was connected to the other address is not any more. */
  setUrl(url: string): void {
    if (url === this.#url) return
    this.#url = url
    if (this.#opened === null || this.#isClosed) return
    this.#session?.stop()
    this.#session = this.#connect(this.#opened)
    if (!this.#isOnline) this.#session.setOnline(false)
  }

  /** Nobody's log of this document may hold something that is this user's now. */
  lookForClaim(): void {
    this.#adoption?.look()
  }

  poke(): void {
    this.#session?.poke()
    this.#adoption?.poke()
  }

  /** Flushes, closes and lets go of the lock. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#session?.stop()
    try {
      await this.#adoption?.stop()
      await this.#opened?.close()
    } finally {
      this.#ownership?.release()
    }
  }

  /** Forgets the document on this device; `reopen` lets its tabs go on. @throws PENDING_REFUSED */
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

  /** After the answer to a `clear`: what its tabs still wait for, they ask for again. */
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
    const { platform, mutator, user, doc, crashed } = this.#options
    await loadChecksum()
    const owning = platform.own(ownerLock(this.#key), {
      migrations: mutator.migrations.length,
      onAsked: (migrations) => this.#handOver(migrations),
    })
    const [ownership, module] = await Promise.all([
      owning.then((owned) => {
        this.#ownership = owned
        return owned
      }),
      platform.loadSqlite(),
    ]).catch((error: unknown) => {
      // Or the next try would wait for this one for ever.
      void owning.then((owned) => owned.release()).catch(() => {}) // never ours
      throw error
    })
    if (this.#isClosed) {
      ownership.release()
      throw new LfError("LOG_CLOSED", "the document was closed while it was opened")
    }
    try {
      if (user !== null) await adoptWholeLog({ platform, doc, user })
      this.#movedMs = user === null ? await platform.movedMs(this.#key) : null
      const opened = await platform.openLog(this.#key)
      const local = new Local({ opened, module, mutator, host: platform.host, user, crashed })
      this.#opened = local
      this.#late = null
      local.watch(() => this.#tell(), this.#options.onRejection)
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

  /** Rejects when opening takes too long, and is as good as new when it ends after all. */
  #withinLimits(local: Promise<Local>): Promise<Local> {
    const { host } = this.#options.platform
    const inTime = new Promise<Local>((resolve, reject) => {
      const cancels: Cancel[] = []
      const end = () => {
        for (const cancel of cancels) cancel()
      }
      const late = (error: LfError) => {
        end()
        this.#late = error
        this.#options.onState()
        reject(error)
        local.then(
          () => {
            this.#inTime = local
          },
          () => {},
        ) // it was told why already
      }
      cancels.push(
        host.after(OWNED_MS_MAX, () => {
          if (this.#ownership !== null) return
          late(new LfError("LOG_OWNED", "another version of this page keeps the document and does not let go of it"))
        }),
        host.after(OPEN_MS_MAX, () =>
          late(new LfError("WORKER_FAILED", `the document is not open after ${OPEN_MS_MAX / 1000} s`)),
        ),
      )
      local.then(resolve, reject).finally(end)
    })
    inTime.catch(() => {}) // whoever asks is told
    return inTime
  }

  #connect(local: Local): Session {
    const { platform, doc, user, token, onState } = this.#options
    return new Session({
      docId: doc,
      local,
      network: platform.network(this.#url),
      host: platform.host,
      token,
      user,
      onChange: onState,
    })
  }

  #tell(): void {
    this.#options.onState()
    if (!this.canReopen || this.#hasToldFailure) return
    this.#hasToldFailure = true
    this.#options.onFailed()
  }

  /** A worker of another build asks for the document. Code that knows fewer migrations is older: it does not get it. */
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
