import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { encodeMessage, encodeRefusal } from "../network/codec.ts"
import type { Rejection, ServerMessage, SyncStorage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { Difference } from "../storage/page-history.ts"
import { PageTransfer, type Snapshot } from "./page-transfer.ts"

/** A connected client, as its document has it. It gets pages only when it has asked: a slow reader costs nothing (T23). */
export class ConnectedClient {
  readonly clientId: string
  readonly user: string | null
  readonly #pipe: Pipe
  /** The request that waits for something newer. */
  waiting: SyncStorage | null = null
  /** Whether the client's cursor belongs to our epoch; if not it means nothing. */
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

  /** Begins to answer the waiting request. */
  startTransfer(snapshot: Snapshot, difference: Difference, outcomes: readonly Rejection[]): void {
    this.#transfer = new PageTransfer({ from: this.cursor, snapshot, difference, outcomes })
    this.waiting = null
    this.hasOurEpoch = true
    this.sendPart()
  }

  /** One part of what is under way; the client asks for the next. */
  sendPart(): void {
    const part = this.#transfer?.nextPart()
    if (part === undefined) return
    if (part.isLast) this.#transfer = null
    this.send(part)
  }
}
