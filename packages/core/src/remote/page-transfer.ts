import type { Lsn } from "../base/lsn.ts"
import { encodeMessage } from "../network/codec.ts"
import { OUTCOMES_PER_PART_MAX, PART_BYTES_MAX, type Pages, type Rejection } from "../network/message.ts"
import type { PageChange } from "../storage/changeset.ts"
import type { Difference } from "../storage/page-history.ts"
import type { PageSnapshot } from "../storage/page-table.ts"

/** The state that a page batch leads to: references to pages, so later commits do not change it. */
export interface Snapshot {
  readonly lsn: Lsn
  readonly checksum: bigint
  readonly pages: PageSnapshot
}

/** What all clients with one cursor lack of a snapshot. */
export class News {
  readonly from: Lsn
  readonly snapshot: Snapshot
  readonly difference: Difference
  /** Made once, however many clients get it; null: it takes more than one part. */
  #frame: Uint8Array | null | undefined

  constructor(from: Lsn, snapshot: Snapshot, difference: Difference) {
    this.from = from
    this.snapshot = snapshot
    this.difference = difference
  }

  /** All of it as one frame for a client without outcomes; null: each makes its own, since it has more parts. */
  frame(): Uint8Array | null {
    if (this.#frame === undefined) {
      const part = new PageTransfer(this, []).nextPart()
      this.#frame = part.isLast ? encodeMessage(part) : null
    }
    return this.#frame
  }
}

/** One page batch for a client, in parts of about PART_BYTES_MAX. Each part is made when it is requested (T23). */
export class PageTransfer {
  readonly #news: News
  readonly #outcomes: readonly Rejection[]
  #next = 0
  #nextOutcome = 0
  #bytesSent = 0

  constructor(news: News, outcomes: readonly Rejection[]) {
    this.#news = news
    this.#outcomes = outcomes
  }

  nextPart(): Pages {
    const { from, snapshot, difference } = this.#news
    const pages = this.#nextPages()
    // All outcomes are sent before the last part: a client that has the base has the data of its rejections.
    const outcomes = this.#outcomes.slice(this.#nextOutcome, this.#nextOutcome + OUTCOMES_PER_PART_MAX)
    this.#nextOutcome += outcomes.length
    return {
      type: "pages",
      from,
      to: snapshot.lsn,
      isLast: this.#next >= difference.pageNos.length && this.#nextOutcome >= this.#outcomes.length,
      bytesTotal: Math.ceil((this.#bytesSent / Math.max(this.#next, 1)) * difference.pageNos.length),
      changeset: {
        pageCount: snapshot.pages.length,
        isWhole: false,
        before: difference.before,
        after: snapshot.checksum,
        pages,
      },
      outcomes,
    }
  }

  #nextPages(): PageChange[] {
    const { snapshot, difference } = this.#news
    const { pageNos, change } = difference
    const pages: PageChange[] = []
    let bytes = 0
    while (this.#next < pageNos.length && bytes < PART_BYTES_MAX) {
      const pageNo = pageNos[this.#next++]
      const page = snapshot.pages.at(pageNo - 1)
      if (page === undefined) continue // truncated since the change; the page count shows it
      const one = change(pageNo, page)
      pages.push(one)
      for (const delta of one.deltas) bytes += delta.length + 4
    }
    this.#bytesSent += bytes
    return pages
  }
}
