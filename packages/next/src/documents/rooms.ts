import { ERROR_CODES, type ErrorCode, isLfError, LfError, type Mutator } from "@lf/core"
import {
  type Cancel,
  checkDocId,
  type DocumentLog,
  type DocumentStore,
  type DurableGroup,
  type Effect,
  type Host,
  type OnFailed,
  Remote,
} from "@lf/core/internal"
import { LIMITS, type Limits } from "../limits/limits.ts"
import { type Reporter, reporterOf, toFailure } from "../log/error-report.ts"
import { vmGuard } from "../node/guard.ts"
import { loadSqlite, prepareSqlite } from "../node/load-sqlite.ts"
import { nodeHost } from "../node/node-host.ts"
import { isBuilding, isDevelopment } from "../process/environment.ts"

export type RoomLimits = Pick<Limits, "idleMs" | "openRoomsMax" | "mutationMsMax" | "queryMsMax" | "documentPagesMax">

/** A mutation that was applied. `uid` is the idempotency key for its receiver. */
export interface AppliedEvent extends Effect {
  readonly docId: string
}

export type OnApplied = (event: AppliedEvent) => void | Promise<void>

/** The app's callbacks, besides what its clients are sent. */
export interface LfHooks {
  readonly onApplied?: OnApplied | undefined
  readonly reporter?: Reporter | undefined
}

/** Called with what became durable in one document. */
export type OnDurable = (docId: string, group: DurableGroup) => void

/** A document that stays open until `leave` is called. */
export interface Lease {
  readonly remote: Remote
  /** Idempotent. */
  leave(): void
}

interface Room {
  readonly docId: string
  /** Null: the document is being deleted, and was not open. */
  readonly remote: Promise<Remote> | null
  /** Null until it is open. */
  opened: Remote | null
  log: DocumentLog | null
  leases: number
  cancelIdle: Cancel
  closing: Promise<void> | null
}

/** The open documents of one store, one `Remote` each, opened by the first client that needs it. */
export class Rooms {
  readonly store: DocumentStore
  readonly #host: Host
  readonly #limits: RoomLimits
  readonly #rooms = new Map<string, Room>()
  #mutator: Mutator
  #onApplied: OnApplied | undefined
  #reporter: Reporter
  readonly #onDurable: OnDurable
  #isRefusalReported = false
  #closing: Promise<void> | null = null

  constructor(options: {
    store: DocumentStore
    mutator: Mutator
    onApplied?: OnApplied | undefined
    reporter?: Reporter | undefined
    onDurable?: OnDurable
    host?: Host
    limits?: Partial<RoomLimits>
  }) {
    this.store = options.store
    this.#mutator = options.mutator
    this.#onApplied = options.onApplied
    this.#reporter = options.reporter ?? reporterOf()
    this.#onDurable = options.onDurable ?? (() => {})
    this.#host = options.host ?? nodeHost
    this.#limits = { ...LIMITS, ...options.limits }
  }

  get isClosed(): boolean {
    return this.#closing !== null
  }

  get openCount(): number {
    return this.#rooms.size
  }

  /** Mutations that were received and are not decided yet. */
  get waitingCount(): number {
    return [...this.#rooms.values()].reduce((count, { opened }) => count + (opened?.waitingCount ?? 0), 0)
  }

  /** @throws DOC_ID_INVALID LOG_FAILED */
  async has(docId: string): Promise<boolean> {
    return this.#rooms.has(docId) || (await this.store.has(docId))
  }

  /**
   * Opens a document, or joins it when it is open. The first opening takes the store. A document that meanwhile has another
   * owner is opened again: no client is shown a position that others are past (I8).
   * @throws DOC_ID_INVALID DOC_NOT_FOUND (without `create`; the disk is not touched) RATE_LIMITED SERVER_CLOSING
   * SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE, and what recovering it throws
   */
  async enter(docId: string, { create }: { readonly create: boolean }): Promise<Lease> {
    for (;;) {
      // Again after a wait: it may have been deleted.
      if (!create && !(await this.has(docId))) throw new LfError("DOC_NOT_FOUND", "there is no such document")
      if (this.#closing !== null) throw new LfError("SERVER_CLOSING", "the server is shutting down")
      const room = this.#rooms.get(docId) ?? (await this.#startWithin(docId))
      if (room === null) continue
      if (room.closing !== null || room.remote === null) {
        await room.closing
        continue
      }
      const leave = this.#lease(room)
      try {
        const remote = await room.remote
        await this.#confirm(room)
        if (room.closing === null) return { remote, leave }
        leave()
      } catch (error) {
        leave()
        throw error
      }
    }
  }

  /**
   * Deletes a document for good: ends its connections with DOC_DELETED, then removes its files. Openings wait meanwhile; the
   * next one with `create` makes a new document, under a new epoch.
   * @throws DOC_ID_INVALID DOC_NOT_FOUND SERVER_CLOSING SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE LOG_OWNED LOG_FAILED
   */
  async delete(docId: string): Promise<void> {
    checkDocId(docId)
    await this.#begin()
    for (;;) {
      if (this.#closing !== null) throw new LfError("SERVER_CLOSING", "the server is shutting down")
      if (!(await this.has(docId))) throw new LfError("DOC_NOT_FOUND", "there is no such document")
      const known = this.#rooms.get(docId)
      // Its own end comes first.
      if (known !== undefined && known.closing !== null) await known.closing
      else return await this.#delete(known ?? this.#placeOf(docId))
    }
  }

  async #delete(room: Room): Promise<void> {
    room.cancelIdle()
    const deleting = this.#close(room, "DOC_DELETED", () => this.store.delete(room.docId))
    room.closing = deleting.catch(() => {}) // `delete` throws it
    await deleting
  }

  /** Keeps others from opening the document. */
  #placeOf(docId: string): Room {
    return this.#add(docId, null)
  }

  #add(docId: string, remote: Promise<Remote> | null): Room {
    const room: Room = { docId, remote, opened: null, log: null, leases: 0, cancelIdle: () => {}, closing: null }
    this.#rooms.set(docId, room)
    return room
  }

  /** Why no document can be opened now; null: they can. Takes the store, as the first opening would. */
  async trouble(): Promise<LfError | null> {
    if (this.#closing !== null) return new LfError("SERVER_CLOSING", "the server is shutting down")
    if (isBuilding()) return null
    try {
      await this.#begin()
      return null
    } catch (error) {
      return toFailure(error, "LOG_FAILED")
    }
  }

  /** Development, after a code change: closes the open documents; their clients reconnect to the new code. */
  adopt({ mutator, onApplied, reporter }: LfHooks & { readonly mutator: Mutator }): void {
    this.#onApplied = onApplied
    if (reporter !== undefined) this.#reporter = reporter
    if (mutator === this.#mutator) return
    this.#mutator = mutator
    for (const room of this.#rooms.values()) void this.#end(room)
  }

  /** Refuses new openings, flushes and closes every document, then gives the store up. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    await Promise.all(Array.from(this.#rooms.values(), (room) => this.#end(room)))
    await this.store.close()
  }

  /** A new room; null: it had to wait, so look again. @throws RATE_LIMITED */
  async #startWithin(docId: string): Promise<Room | null> {
    if (this.#rooms.size < this.#limits.openRoomsMax) return this.#start(docId)
    for (const room of this.#rooms.values()) {
      if (room.leases > 0) continue
      await this.#end(room)
      return null
    }
    throw new LfError("RATE_LIMITED", `${this.#limits.openRoomsMax} documents are open, and no more may be`)
  }

  #start(docId: string): Room {
    const opening = this.#recover(docId)
    const room = this.#add(
      docId,
      opening.then(({ remote }) => remote),
    )
    opening.then(
      ({ remote, log }) => {
        room.opened = remote
        room.log = log
      },
      // The next opening retries.
      () => this.#forget(room),
    )
    return room
  }

  async #recover(docId: string): Promise<{ readonly remote: Remote; readonly log: DocumentLog }> {
    await this.#begin()
    const opened = await this.store.open(docId)
    const { log } = opened
    try {
      const remote = await Remote.recover({
        opened,
        closesAtOnce: this.store.isShared,
        loadSqlite,
        mutator: this.#mutator,
        host: this.#host,
        guard: vmGuard(this.#limits.mutationMsMax),
        queryMsMax: this.#limits.queryMsMax,
        pagesMax: this.#limits.documentPagesMax,
        sendsMessages: isDevelopment(),
        onFailed: (failed) => this.#onFailed(docId, failed),
        onNearLimit: ({ pagesUsed, pagesMax }) => {
          const detail = `${pagesUsed} of ${pagesMax} pages`
          this.#reporter.log({ level: "warn", event: "document-nearly-full", doc: docId, detail })
        },
        onStopped: (error) => this.#onStopped(docId, error),
        onDurable: (group) => this.#onDurable(docId, group),
        ...(this.#onApplied === undefined ? {} : { onApplied: (effect) => this.#callOnApplied(docId, effect) }),
      })
      return { remote, log }
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Asks the store whether the room's document is this process's still; a room where it is not is closing afterwards. */
  async #confirm(room: Room): Promise<void> {
    try {
      await room.log?.confirm?.()
    } catch (error) {
      // Its log ended meanwhile; the document is opened again.
      if (room.closing !== null) return
      if (!isLfError(error) || error.code !== "LOG_DEPOSED") throw error
      void this.#end(room)
    }
  }

  async #callOnApplied(docId: string, effect: Effect): Promise<void> {
    try {
      await this.#onApplied?.({ docId, ...effect })
    } catch (error) {
      const { name: mutation, uid, user } = effect
      this.#reporter.failed({ event: "effect-failed", error, code: "MUTATION_THREW", doc: docId, mutation, uid, user })
      throw error
    }
  }

  /** A mutation threw a bug, or was stopped: its author is sent the code, the operator the place in the code. */
  #onFailed(docId: string, { mutation: { name, uid }, user, error }: Parameters<OnFailed>[0]): void {
    // An unknown name is text that a client chose.
    const mutation = this.#mutator.has(name) ? name : "of an unknown name"
    this.#reporter.failed({ event: "mutation-failed", error, code: "MUTATION_THREW", doc: docId, mutation, uid, user })
  }

  /** @throws SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE */
  async #begin(): Promise<void> {
    try {
      // Beside the wait for the store, which may be long.
      void prepareSqlite().catch(() => {}) // the first opening throws it
      await this.store.begin()
      this.#isRefusalReported = false
    } catch (error) {
      const event = this.store.isShared ? "store-refused" : "directory-refused"
      if (!this.#isRefusalReported) this.#reporter.failed({ event, error, code: "LOG_FAILED" })
      this.#isRefusalReported = true
      if (isLfError(error) && error.code === "SERVER_DIRECTORY_OWNED") throw error
      // A client takes codes of a log for its own disk's.
      throw new LfError("STORE_UNAVAILABLE", ERROR_CODES.STORE_UNAVAILABLE, { cause: error })
    }
  }

  #onStopped(docId: string, error: LfError): void {
    this.#reporter.failed({ event: "document-stopped", error, code: "DOC_STOPPED", doc: docId })
    const room = this.#rooms.get(docId)
    if (room !== undefined) void this.#end(room)
  }

  #lease(room: Room): () => void {
    room.leases++
    room.cancelIdle()
    let isLeft = false
    return () => {
      if (isLeft) return
      isLeft = true
      room.leases--
      if (room.leases > 0) return
      room.cancelIdle = this.#host.after(this.#limits.idleMs, () => {
        if (room.leases === 0) void this.#end(room)
      })
    }
  }

  #end(room: Room): Promise<void> {
    room.cancelIdle()
    room.closing ??= this.#close(room)
    return room.closing
  }

  async #close(room: Room, code?: ErrorCode, afterwards = async () => {}): Promise<void> {
    try {
      // A document that failed to open has reported the reason to its callers.
      const remote = (await room.remote?.catch(() => null)) ?? null
      await remote?.close(code).catch((error: unknown) => {
        // The next opening recovers it from its log.
        this.#reporter.failed({ event: "document-not-closed", error, code: "LOG_FAILED", doc: room.docId })
      })
      await afterwards()
    } finally {
      this.#forget(room)
    }
  }

  #forget(room: Room): void {
    if (this.#rooms.get(room.docId) === room) this.#rooms.delete(room.docId)
  }
}
