import { assert } from "../base/assert.ts"
import { LfError, toLfError } from "../base/error.ts"
import type { ErrorCode } from "../base/error-codes.ts"
import type { Lsn } from "../base/lsn.ts"
import type { Changeset, PageChange } from "../storage/changeset.ts"
import { inflateAhead } from "../storage/delta.ts"
import type { WholeBase } from "../storage/page-table.ts"
import { decodeMessage, encodeMessage } from "./codec.ts"
import { chunksAfter, FirstSync, type Progress } from "./first-sync.ts"
import type {
  Chunk,
  ClientMessage,
  Hello,
  Message,
  MutationsReply,
  Pages,
  Presences,
  Rejection,
  ServerMessage,
  SyncMutations,
  SyncStorage,
  Welcome,
} from "./message.ts"
import type { Pipe } from "./network.ts"

/** Parts of a first sync that are requested before those before them have come: a round trip for each would be waited for. */
const PARTS_AHEAD = 2
/** Chunks that arrived and are not inflated yet: a server sends what was requested. */
const CHUNKS_WAITING_MAX = 8

/** What `sync-storage` was waiting for, all parts of it: what changed, or all pages. */
export type PageBatch =
  | {
      readonly type: "changes"
      readonly from: Lsn
      readonly to: Lsn
      readonly changeset: Changeset
      readonly outcomes: readonly Rejection[]
    }
  | { readonly type: "base"; readonly to: Lsn; readonly base: WholeBase; readonly outcomes: readonly Rejection[] }

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: LfError) => void
}

/** The client's end of a connection: requests and their replies, at most one of each kind under way. */
export class Link {
  readonly #pipe: Pipe
  readonly #closed: Promise<LfError>
  readonly #onProgress: (progress: Progress) => void
  #resolveClosed: (error: LfError) => void = () => {}
  #failure: LfError | null = null
  #welcome: Waiting<Welcome> | null = null
  #mutations: Waiting<MutationsReply> | null = null
  #pages: Waiting<PageBatch> | null = null
  #presences: Waiting<Presences> | null = null
  #parts: Pages[] = []
  #bytes = 0
  #firstSync = new FirstSync()
  readonly #chunks: { readonly part: Chunk; readonly bytes: number }[] = []
  #isInflating = false
  #outcomes: Rejection[] = []
  /** Parts that were requested and have not come. */
  #requested = 0
  #receivedCount = 0

  constructor(pipe: Pipe, onProgress: (progress: Progress) => void) {
    this.#pipe = pipe
    this.#onProgress = onProgress
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    pipe.listen({
      frame: (frame) => this.#receive(frame),
      closed: (reason) => this.#fail(new LfError("SERVER_CLOSING", reason)),
    })
  }

  /** Resolves with the reason when the connection is gone. */
  get closed(): Promise<LfError> {
    return this.#closed
  }

  get isOpen(): boolean {
    return this.#failure === null
  }

  /** Frames received so far: a heartbeat compares two readings. */
  get receivedCount(): number {
    return this.#receivedCount
  }

  hello(hello: Hello): Promise<Welcome> {
    return this.#ask(hello, this.#welcome, (waiting) => {
      this.#welcome = waiting
    })
  }

  syncMutations(message: SyncMutations): Promise<MutationsReply> {
    return this.#ask(message, this.#mutations, (waiting) => {
      this.#mutations = waiting
    })
  }

  /** `into` has what came of the base on earlier connections, and keeps what comes on this one. */
  syncStorage(message: SyncStorage, into = new FirstSync()): Promise<PageBatch> {
    this.#firstSync = into
    this.#requested = 1
    return this.#ask(message, this.#pages, (waiting) => {
      this.#pages = waiting
    })
  }

  /** What a tab shows to others from now on; empty: nothing. */
  sendPresence(tab: string, value: Uint8Array): void {
    if (this.isOpen) this.#pipe.send(encodeMessage({ type: "presence", tab, value }))
  }

  /** Resolves when presences have changed after `version`. */
  watchPresences(version: number): Promise<Presences> {
    return this.#ask({ type: "watch-presences", version }, this.#presences, (waiting) => {
      this.#presences = waiting
    })
  }

  ping(): void {
    if (this.isOpen) this.#pipe.send(encodeMessage({ type: "ping" }))
  }

  close(reason: string): void {
    this.#end(new LfError("SERVER_CLOSING", reason), reason)
  }

  #ask<T>(message: ClientMessage, current: Waiting<T> | null, keep: (waiting: Waiting<T>) => void): Promise<T> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    assert(current === null, `one ${message.type} is under way at a time`)
    return new Promise((resolve, reject) => {
      keep({ resolve, reject })
      this.#pipe.send(encodeMessage(message))
    })
  }

  #receive(frame: Uint8Array): void {
    if (this.#failure !== null) return
    this.#receivedCount++
    try {
      this.#dispatch(decodeMessage(frame) as ServerMessage, frame.length) // client messages end in `default`
    } catch (error) {
      const failure = toLfError(error, "FRAME_MALFORMED")
      this.#end(failure, failure.code)
    }
  }

  #dispatch(message: ServerMessage, bytes: number): void {
    const { type }: Message = message // what the other side sends is not always a server's
    switch (message.type) {
      case "welcome": {
        const waiting = this.#welcome
        this.#welcome = null
        waiting?.resolve(message)
        return
      }
      case "cursor":
      case "gap":
      case "fork":
      case "refused": {
        const waiting = this.#mutations
        this.#mutations = null
        waiting?.resolve(message)
        return
      }
      case "pages":
        this.#receivePart(message, bytes)
        return
      case "chunk":
        this.#receiveChunk(message, bytes)
        return
      case "presences": {
        const waiting = this.#presences
        this.#presences = null
        waiting?.resolve(message)
        return
      }
      case "refuse":
        this.#end(new LfError(message.code as ErrorCode, message.message), message.code) // codes of a newer server pass through
        return
      case "pong":
        return
      default:
        throw new LfError("FRAME_MALFORMED", `expected a server's message, got a \`${type}\``)
    }
  }

  #receivePart(part: Pages, bytes: number): void {
    if (!isNextPart(part, this.#parts.at(-1)))
      throw new LfError("FRAME_MALFORMED", "expected the next part of the pages, got another part")
    this.#parts.push(part)
    this.#bytes += bytes
    if (!part.isLast) {
      this.#onProgress({ bytes: this.#bytes, bytesTotal: Math.max(part.bytesTotal, this.#bytes) })
      // The server makes the next part while this one is inflated.
      this.#pipe.send(encodeMessage({ type: "next-part" }))
    }
    for (const { deltas } of part.changeset.pages) if (deltas.length === 1) inflateAhead(deltas[0])
    if (!part.isLast) return
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    this.#resolvePages(joinParts(parts))
  }

  /** Chunks are inflated one after the other, while the next ones are on their way. */
  #receiveChunk(part: Chunk, bytes: number): void {
    if (this.#pages === null) return
    this.#chunks.push({ part, bytes })
    if (this.#chunks.length > CHUNKS_WAITING_MAX)
      throw new LfError("FRAME_MALFORMED", "expected no more parts than were requested, got many more")
    if (!this.#isInflating) void this.#takeChunks()
  }

  async #takeChunks(): Promise<void> {
    this.#isInflating = true
    try {
      for (let one = this.#chunks.at(0); one !== undefined; one = this.#chunks.at(0)) {
        await this.#takeChunk(one.part, one.bytes)
        this.#chunks.shift()
      }
    } catch (error) {
      const failure = toLfError(error, "FRAME_MALFORMED")
      this.#end(failure, failure.code)
    } finally {
      this.#isInflating = false
    }
  }

  async #takeChunk(part: Chunk, bytes: number): Promise<void> {
    // One that came twice may be behind the last one; after a failure the next connection is filling what this one did.
    if (this.#pages === null || this.#failure !== null) return
    const isTaken = await this.#firstSync.take(part, bytes)
    if (!isTaken || this.#failure !== null) return
    for (const outcome of part.outcomes) this.#outcomes.push(outcome)
    this.#requested--
    if (part.isLast) {
      const outcomes = this.#outcomes
      this.#outcomes = []
      this.#resolvePages({ type: "base", to: part.to, base: this.#firstSync.end(part), outcomes })
      return
    }
    this.#onProgress(this.#firstSync.progress)
    const ahead = Math.max(1, Math.min(PARTS_AHEAD + 1, chunksAfter(part)))
    for (; this.#requested < ahead; this.#requested++) this.#pipe.send(encodeMessage({ type: "next-part" }))
  }

  #resolvePages(batch: PageBatch): void {
    const waiting = this.#pages
    this.#pages = null
    waiting?.resolve(batch)
  }

  /** Keeps the reason before it closes the pipe: a pipe that reports its end at once would replace it by "closed" (T29). */
  #end(error: LfError, reason: string): void {
    this.#fail(error)
    this.#pipe.close(reason)
  }

  #fail(error: LfError): void {
    if (this.#failure !== null) return
    this.#failure = error
    const all = [this.#welcome, this.#mutations, this.#pages, this.#presences]
    for (const waiting of all) waiting?.reject(error)
    this.#resolveClosed(error)
  }
}

/** All parts are of the same changeset, in ascending order, so that together they are one again (S11). */
function isNextPart(part: Pages, previous: Pages | undefined): boolean {
  const { pageCount, isWhole, pages } = part.changeset
  // All pages come as chunks.
  if (isWhole) return false
  // Empty parts that are not the last could come for ever.
  if (pages.length === 0 && part.outcomes.length === 0 && !part.isLast) return false
  if (previous === undefined) return true
  const before = previous.changeset
  if (before.pageCount !== pageCount) return false
  const lastPageNo = before.pages.at(-1)?.pageNo
  // Pages come first: after a part without any there are only outcomes.
  return pages.length === 0 || (lastPageNo !== undefined && pages[0].pageNo > lastPageNo)
}

function joinParts(parts: readonly Pages[]): PageBatch {
  const last = parts[parts.length - 1]
  const pages: PageChange[] = []
  const outcomes: Rejection[] = []
  for (const part of parts) {
    for (const page of part.changeset.pages) pages.push(page)
    for (const outcome of part.outcomes) outcomes.push(outcome)
  }
  return { type: "changes", from: last.from, to: last.to, changeset: { ...last.changeset, pages }, outcomes }
}
