import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { encodeMessage, encodeRefusal } from "../network/codec.ts"
import type { Rejection, ServerMessage, SyncStorage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import { type News, PageTransfer } from "./page-transfer.ts"

/** A client that is connected to a document. Pages are sent only on its request, so a slow reader fills no queue (T23). */
export class ConnectedClient {
  readonly clientId: string
  readonly user: string | null
  readonly #pipe: Pipe
  /** The request that waits for newer pages. */
  waiting: SyncStorage | null = null
  /** Whether the client's cursor belongs to our epoch; if not it counts as 0. */
  hasOurEpoch: boolean
  #transfer: PageTransfer | null = null

  constructor(options: { pipe: Pipe; clientId: string; user: string | null; hasOurEpoch: boolean }) {
    this.#pipe = options.pipe
    this.clientId = options.clientId
    this.user = options.user
    this.hasOurEpoch = options.hasOurEpoch
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

  /** Answers the waiting request with the first part. */
  startTransfer(news: News, outcomes: readonly Rejection[]): void {
    const frame = outcomes.length === 0 ? news.frame() : null
    this.#transfer = frame === null ? new PageTransfer(news, outcomes) : null
    this.waiting = null
    this.hasOurEpoch = true
    if (frame === null) this.sendPart()
    else this.#pipe.send(frame)
  }

  /** Sends one part of the transfer under way; the client requests the next. */
  sendPart(): void {
    const part = this.#transfer?.nextPart()
    if (part === undefined) return
    if (part.isLast) this.#transfer = null
    this.send(part)
  }
}
