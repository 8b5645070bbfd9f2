import { setTimeout as sleep } from "node:timers/promises"
import { type ErrorCode, isLfError, LfError, type Mutator } from "@lf/core"
import {
  type Cancel,
  checkDocId,
  DocumentRelay,
  type DocumentStore,
  type Host,
  type Pipe,
  RelayedDocument,
  type ServedDocument,
} from "@lf/core/internal"
import { LIMITS } from "../limits/limits.ts"
import { type Reporter, reporterOf, toFailure } from "../log/error-report.ts"
import { nodeHost } from "../node/node-host.ts"
import { isBuilding } from "../process/environment.ts"
import {
  DocumentOpener,
  type LfHooks,
  type OnApplied,
  type OnDurable,
  type Opened,
  type RoomLimits,
} from "./document-opener.ts"

/** About what the next owner needs to open a document, so that it keeps up. */
const HANDOVER_STEP_MS = 20
/** Of all documents together: orchestrators kill a server that takes long. */
const HANDOVER_MS_MAX = 4_000

/** A document that stays open until `leave` is called. */
export interface Lease {
  readonly document: ServedDocument
  /** Idempotent. */
  leave(): void
}

interface Room {
  readonly docId: string
  /** Null: the document is being deleted, and was not open. */
  readonly opening: Promise<Opened> | null
  /** Null until it is open. */
  opened: Opened | null
  /** The servers that have clients of it too. */
  readonly relays: Set<DocumentRelay>
  leases: number
  cancelIdle: Cancel
  closing: Promise<void> | null
}

/** The open documents of one store, its own and those that it relays, each opened by the first client that needs it. */
export class Rooms {
  readonly store: DocumentStore
  readonly #host: Host
  readonly #limits: RoomLimits
  readonly #opener: DocumentOpener
  readonly #rooms = new Map<string, Room>()
  #closing: Promise<void> | null = null
  /** Ends of relays whose last answers are still being made. */
  readonly #ending = new Set<Promise<void>>()

  constructor(options: {
    store: DocumentStore
    mutator: Mutator
    onApplied?: OnApplied | undefined
    reporter?: Reporter | undefined
    onDurable?: OnDurable
    /** Called with what another server of the store lets all others know. */
    onNotice?: (notice: string) => void
    /** Called with a pipe of another server of the store that has something for this one. */
    onServer?: (pipe: Pipe) => void
    host?: Host
    limits?: Partial<RoomLimits>
  }) {
    this.store = options.store
    this.#host = options.host ?? nodeHost
    this.#limits = { ...LIMITS, ...options.limits }
    const { store, mutator, onApplied, reporter = reporterOf(), onDurable = () => {} } = options
    const hooks = { onApplied, reporter }
    this.#opener = new DocumentOpener({ store, host: this.#host, limits: this.#limits, mutator, hooks, onDurable })
    const { onNotice = () => {}, onServer = (pipe) => pipe.close("nothing is served here") } = options
    const reached = (docId: string, pipe: Pipe) => void this.#relay(docId, pipe)
    this.store.peers?.listen({ reached, reachedServer: onServer, noticed: onNotice })
  }

  get isClosed(): boolean {
    return this.#closing !== null
  }

  get openCount(): number {
    return this.#rooms.size
  }

  /** Mutations that were received and are not decided yet. */
  get waitingCount(): number {
    return [...this.#rooms.values()].reduce((count, { opened }) => count + (opened?.document.waitingCount ?? 0), 0)
  }

  /** Lets the other servers of the store know. */
  notify(notice: string): void {
    this.store.peers?.notify(notice)
  }

  /** @throws DOC_ID_INVALID STORE_UNAVAILABLE LOG_FAILED */
  async has(docId: string): Promise<boolean> {
    try {
      return this.#rooms.has(docId) || (await this.store.has(docId))
    } catch (error) {
      throw this.#opener.failureOf(error)
    }
  }

  /**
   * Opens a document, or joins it when it is open. The first opening takes the store. A document that meanwhile has another
   * owner is opened again: no client is shown a position that others are past (I8). With `isForClient` a document that is relayed
   * has an owner that answers: a call finds out by itself, a client would wait.
   * @throws DOC_ID_INVALID DOC_NOT_FOUND (without `create`; the disk is not touched) RATE_LIMITED SERVER_CLOSING
   * SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE, and what recovering it throws
   */
  async enter(docId: string, options: { readonly create: boolean; readonly isForClient?: boolean }): Promise<Lease> {
    try {
      return await this.#enter(docId, options)
    } catch (error) {
      throw this.#opener.failureOf(error)
    }
  }

  async #enter(
    docId: string,
    { create, isForClient = false }: { readonly create: boolean; readonly isForClient?: boolean },
  ): Promise<Lease> {
    for (;;) {
      // Again after a wait: it may have been deleted.
      if (!create && !(await this.has(docId))) throw new LfError("DOC_NOT_FOUND", "there is no such document")
      if (this.#closing !== null) throw new LfError("SERVER_CLOSING", "the server is shutting down")
      const room = this.#rooms.get(docId) ?? (await this.#startWithin(docId))
      if (room === null) continue
      if (room.closing !== null || room.opening === null) {
        await room.closing
        continue
      }
      const leave = this.#lease(room)
      try {
        const { document } = await room.opening
        await this.#confirm(room, isForClient)
        if (room.closing === null) return { document, leave }
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
    await this.#opener.begin()
    for (;;) {
      if (this.#closing !== null) throw new LfError("SERVER_CLOSING", "the server is shutting down")
      if (!(await this.has(docId))) throw new LfError("DOC_NOT_FOUND", "there is no such document")
      const known = this.#rooms.get(docId)
      // Its own end comes first.
      if (known !== undefined && known.closing !== null) await known.closing
      else if (await this.#deleteOrReach(docId, known)) return
    }
  }

  /** Deletes it here, or at its owner. False: look again. */
  async #deleteOrReach(docId: string, known: Room | undefined): Promise<boolean> {
    const opened = await known?.opening?.catch(() => null)
    // Another call began to open or to end it meanwhile.
    if (this.#rooms.get(docId) !== known || (known !== undefined && known.closing !== null)) return false
    if (!(opened?.document instanceof RelayedDocument)) {
      try {
        await this.#delete(known ?? this.#placeOf(docId))
        return true
      } catch (error) {
        if (this.store.peers === null || !isLfError(error) || error.code !== "LOG_OWNED") throw error
      }
    }
    const { document, leave } = await this.enter(docId, { create: false })
    try {
      if (!(document instanceof RelayedDocument)) return false
      await document.delete()
      return true
    } finally {
      leave()
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

  #add(docId: string, opening: Promise<Opened> | null): Room {
    const room: Room = {
      docId,
      opening,
      opened: null,
      relays: new Set(),
      leases: 0,
      cancelIdle: () => {},
      closing: null,
    }
    this.#rooms.set(docId, room)
    return room
  }

  /** Why no document can be opened now; null: they can. Takes the store, as the first opening would. */
  async trouble(): Promise<LfError | null> {
    if (this.#closing !== null) return new LfError("SERVER_CLOSING", "the server is shutting down")
    if (isBuilding()) return null
    try {
      await this.#opener.begin()
      return null
    } catch (error) {
      return toFailure(error, "LOG_FAILED")
    }
  }

  /** Development, after a code change: closes the open documents; their clients reconnect to the new code. */
  adopt(newer: LfHooks & { readonly mutator: Mutator }): void {
    if (this.#opener.adopt(newer)) for (const room of this.#rooms.values()) void this.#end(room)
  }

  /** Refuses new openings, flushes and closes every document, then gives the store up. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  /** Documents in use that go to another server go one after the other: each is interrupted for its own time alone. */
  async #closeAll(): Promise<void> {
    const isHandedOver = (room: Room) => this.store.peers !== null && room.leases > 0
    const rooms = [...this.#rooms.values()]
    const inUse = rooms.filter(isHandedOver)
    const endings = rooms.filter((room) => !isHandedOver(room)).map((room) => this.#end(room))
    const pauseMs = Math.min(HANDOVER_STEP_MS, HANDOVER_MS_MAX / inUse.length)
    for (const [i, room] of inUse.entries()) {
      if (i > 0) await sleep(pauseMs)
      endings.push(this.#end(room))
    }
    await Promise.all(endings)
    await Promise.all(this.#ending)
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
    const opening = this.#opener.open(docId, () => void this.#over(room))
    const room = this.#add(docId, opening)
    opening.then(
      (opened) => {
        room.opened = opened
      },
      // The next opening retries.
      () => this.#forget(room),
    )
    return room
  }

  /** Where the owner is gone, its successor is looked for before the clients are back. */
  async #over(room: Room): Promise<void> {
    const isAwaited = room.leases > 0 && room.opened !== null && !("log" in room.opened)
    await this.#end(room)
    if (!isAwaited || this.#closing !== null) return
    const lease = await this.enter(room.docId, { create: false }).catch(() => null) // its clients are sent the reason
    lease?.leave()
  }

  /** Serves another server's clients of a document that this one owns; of any other it closes the pipe. */
  async #relay(docId: string, pipe: Pipe): Promise<void> {
    const room = this.#rooms.get(docId)
    const opened = (await room?.opening?.catch(() => null)) ?? null
    if (room === undefined || room.closing !== null || opened === null || !("log" in opened)) {
      pipe.close("LOG_OWNED")
      return
    }
    const leave = this.#lease(room)
    const confirm = async () => {
      await this.#confirm(room)
      if (room.closing !== null) throw new LfError("LOG_DEPOSED", "the document is closing")
    }
    let relay: DocumentRelay | null = null
    let isOver = false
    const onEnd = () => {
      isOver = true
      if (relay !== null) room.relays.delete(relay)
      leave()
    }
    const owned = opened.document
    relay = new DocumentRelay({ host: this.#host, owned, pipe, confirm, remove: () => this.delete(docId), onEnd })
    // The pipe may have ended before it was listened to.
    if (!isOver) room.relays.add(relay)
  }

  /** Whether this process owns the room's document still, or its owner is there; a room where it is not so is closing afterwards. */
  async #confirm(room: Room, isForClient = false): Promise<void> {
    try {
      const { opened } = room
      if (opened !== null && "log" in opened) await opened.log.confirm?.()
      else if (isForClient) await opened?.document.confirm()
    } catch (error) {
      // Its log or its owner ended meanwhile; the document is opened again.
      if (room.closing !== null) return
      if (!isLfError(error) || (error.code !== "LOG_DEPOSED" && error.code !== "DOC_STOPPED")) throw error
      void this.#end(room)
    }
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
      const opened = (await room.opening?.catch(() => null)) ?? null
      // Their clients look for the next owner meanwhile; those of a deleted document are sent its code first.
      if (code === undefined) this.#endRelays(room)
      await opened?.document.close(code).catch((error: unknown) => {
        // The next opening recovers it from its log.
        this.#opener.reporter.failed({ event: "document-not-closed", error, code: "LOG_FAILED", doc: room.docId })
      })
      await afterwards()
    } finally {
      this.#endRelays(room)
      this.#forget(room)
    }
  }

  #endRelays(room: Room): void {
    for (const relay of room.relays) {
      const ending = relay.close().finally(() => this.#ending.delete(ending))
      this.#ending.add(ending)
    }
  }

  #forget(room: Room): void {
    if (this.#rooms.get(room.docId) === room) this.#rooms.delete(room.docId)
  }
}
