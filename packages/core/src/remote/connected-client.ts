import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { Sequence } from "../base/wait.ts"
import { encodeMessage, encodeRefusal } from "../network/codec.ts"
import type { Chunk, Pages, Rejection, ServerMessage, SyncStorage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { type Author, authorOf } from "../timeline/author.ts"
import type { BaseTransfer } from "./base-transfer.ts"
import { type News, PageTransfer } from "./page-transfer.ts"
import type { Rights } from "./rights.ts"

/** A client that is connected to a document. Pages are sent only on its request, so a slow reader fills no queue (T23). */
export class ConnectedClient {
  readonly clientId: string
  readonly #rights: Rights
  readonly #pipe: Pipe
  /** The request that waits for newer pages. */
  waiting: SyncStorage | null = null
  /** Whether the client's cursor belongs to our epoch; if not it counts as 0. */
  hasOurEpoch: boolean
  #transfer: PageTransfer | BaseTransfer | null = null
  /** Parts are made and sent one after the other. */
  readonly #parts = new Sequence()

  constructor(options: { pipe: Pipe; clientId: string; rights: Rights; hasOurEpoch: boolean }) {
    this.#pipe = options.pipe
    this.clientId = options.clientId
    this.#rights = options.rights
    this.hasOurEpoch = options.hasOurEpoch
  }

  get user(): string | null {
    return this.#rights.user
  }

  /** As it is known now: a claim may have changed since the client connected. */
  get author(): Author {
    return this.#rights.author ?? authorOf(this.user)
  }

  send(message: ServerMessage): void {
    this.#pipe.send(encodeMessage(message))
  }

  refuse(code: string, message: string): void {
    this.#pipe.send(encodeRefusal({ code, message }))
    this.#pipe.close(code)
  }

  get cursor(): Lsn {
    return this.hasOurEpoch && this.waiting !== null ? this.waiting.cursor : LSN_ZERO
  }

  /** Answers the waiting request with all pages: the first part, when it is made. */
  startBase(transfer: BaseTransfer): void {
    this.#transfer = transfer
    this.waiting = null
    this.hasOurEpoch = true
    void this.sendPart()
  }

  /** Answers the waiting request with the first part of what changed. */
  startTransfer(news: News, outcomes: readonly Rejection[]): void {
    const frame = outcomes.length === 0 ? news.frame() : null
    this.#transfer = frame === null ? new PageTransfer(news, outcomes) : null
    this.waiting = null
    this.hasOurEpoch = true
    if (frame === null) void this.sendPart()
    else this.#pipe.send(frame)
  }

  /** Sends one part of the transfer under way; the client requests the next. Resolves when it is sent. */
  sendPart(): Promise<void> | undefined {
    const transfer = this.#transfer
    if (transfer === null) return undefined
    if (transfer instanceof PageTransfer) {
      this.#sendPart(transfer, transfer.nextPart())
      return undefined
    }
    return this.#parts.run(() => this.#sendChunk(transfer))
  }

  async #sendChunk(transfer: BaseTransfer): Promise<void> {
    if (this.#transfer !== transfer) return
    try {
      this.#sendPart(transfer, await transfer.nextPart())
    } catch {
      this.refuse("SERVER_CLOSING", "a part of the pages could not be made")
    }
  }

  #sendPart(transfer: PageTransfer | BaseTransfer, part: Pages | Chunk): void {
    // Another request may have come while it was made.
    if (this.#transfer !== transfer) return
    if (part.isLast) this.#transfer = null
    this.send(part)
  }
}
