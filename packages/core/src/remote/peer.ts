import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { encodeMessage, encodeRefusal } from "../network/codec.ts"
import {
  OUTCOMES_PER_PART_MAX,
  type OutcomeData,
  PART_BYTES_MAX,
  type ServerMessage,
  type SyncStorage,
} from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { Page } from "../sqlite/page.ts"
import type { PageChange } from "../storage/changeset.ts"
import type { Difference } from "../storage/page-history.ts"

/** The state that a page batch leads to: references to pages, so it stays whole while the document goes on. */
export interface Snapshot {
  readonly lsn: Lsn
  readonly checksum: bigint
  readonly pages: readonly Page[]
}

interface Transfer {
  readonly from: Lsn
  readonly snapshot: Snapshot
  readonly difference: Difference
  readonly outcomes: readonly OutcomeData[]
  next: number
  nextOutcome: number
  bytesSent: number
}

/** A connected client, from its hello on. It gets pages only when it has asked: a slow reader costs nothing (T23). */
export class Peer {
  readonly clientId: string
  readonly user: string | null
  readonly #pipe: Pipe
  /** The request that waits for something newer. */
  waiting: SyncStorage | null = null
  /** Whether the client's cursor belongs to our epoch; if not it means nothing. */
  hasOurEpoch: boolean
  #transfer: Transfer | null = null

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
  startTransfer(snapshot: Snapshot, difference: Difference, outcomes: readonly OutcomeData[]): void {
    this.#transfer = { from: this.cursor, snapshot, difference, outcomes, next: 0, nextOutcome: 0, bytesSent: 0 }
    this.waiting = null
    this.hasOurEpoch = true
    this.sendPart()
  }

  /** One part of what is under way; the client asks for the next. */
  sendPart(): void {
    const transfer = this.#transfer
    if (transfer === null) return
    const { difference, snapshot } = transfer
    const pages: PageChange[] = []
    let bytes = 0
    while (transfer.next < difference.pageNos.length && bytes < PART_BYTES_MAX) {
      const pageNo = difference.pageNos[transfer.next++]
      const page = snapshot.pages[pageNo - 1]
      if (page === undefined) continue // it was truncated since; the page count says so
      const change = difference.change(pageNo, page)
      pages.push(change)
      for (const delta of change.deltas) bytes += delta.length + 4
    }
    transfer.bytesSent += bytes
    // All of them come before the batch is whole: what its base shows as rejected has what its `Reject` carried.
    const outcomes = transfer.outcomes.slice(transfer.nextOutcome, transfer.nextOutcome + OUTCOMES_PER_PART_MAX)
    transfer.nextOutcome += outcomes.length
    const isLast = transfer.next >= difference.pageNos.length && transfer.nextOutcome >= transfer.outcomes.length
    if (isLast) this.#transfer = null
    this.send({
      type: "pages",
      from: transfer.from,
      to: snapshot.lsn,
      isLast,
      bytesTotal: Math.ceil((transfer.bytesSent / Math.max(transfer.next, 1)) * difference.pageNos.length),
      changeset: {
        pageCount: snapshot.pages.length,
        isWhole: difference.isWhole,
        before: difference.before,
        after: snapshot.checksum,
        pages,
      },
      outcomes,
    })
  }
}
