import { LfError } from "../base/error.ts"
import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { decodeChunk } from "../storage/page-chunk.ts"
import { PageTable, type WholeBase } from "../storage/page-table.ts"
import type { Chunk } from "./message.ts"

export interface Progress {
  readonly bytes: number
  readonly bytesTotal: number
}

/** What is here of an unfinished first sync, as `sync-storage` says it. */
export interface Resume {
  readonly resumeLsn: Lsn
  readonly resumePages: number
}

/** The parts of one connection so far. */
interface Transfer {
  /** The first one: the others are of the same snapshot. */
  readonly first: Chunk
  /** Pages and bytes that were here before it. */
  readonly pagesBefore: number
  readonly bytesBefore: number
  /** The last page that came. */
  lastPageNo: number
  /** The server's newest estimate. */
  bytesTotal: number
}

/**
 * A base that comes in chunks, each inflated and hashed when it arrives. What is here outlives its connection: the next one
 * brings only what is missing or has changed since.
 */
export class FirstSync {
  #epoch = ""
  /** The pages here are those of `#lsn`, as far as the server says; the checksum decides at the end. */
  #lsn = LSN_ZERO
  #table = new PageTable()
  #bytes = 0
  #transfer: Transfer | null = null
  /** Counts connections: what an earlier one still inflates is dropped. */
  #turn = 0

  /** A request to a server of this epoch begins. What is here of another epoch is dropped. */
  begin(epoch: string): Resume {
    if (epoch !== this.#epoch) this.forget()
    this.#epoch = epoch
    this.#transfer = null
    this.#turn++
    return { resumeLsn: this.#lsn, resumePages: this.#table.pageCount }
  }

  forget(): void {
    this.#turn++
    this.#transfer = null
    this.#empty()
  }

  /**
   * Takes the next part, `bytes` long. False: it is of an earlier connection.
   * @throws FRAME_MALFORMED BYTES_MALFORMED and what was here stays (S11)
   */
  async take(part: Chunk, bytes: number): Promise<boolean> {
    const { to, pageNo, count, block, bytesTotal } = part
    const turn = this.#turn
    this.#checkPart(part)
    const pages = await decodeChunk(block, count)
    if (turn !== this.#turn) return false
    const transfer = this.#transfer ?? this.#start(part)
    this.#bytes += bytes
    transfer.bytesTotal = bytesTotal
    for (const [i, page] of pages.entries()) this.#table.set(pageNo + i, page)
    if (count > 0) transfer.lastPageNo = pageNo + count - 1
    // Parts come in the order of their pages: all that was here and has changed is replaced by now.
    if (transfer.lastPageNo >= transfer.pagesBefore) this.#lsn = to
    return true
  }

  /** Everything received so far, on earlier connections too. */
  get progress(): Progress {
    const { bytesBefore, bytesTotal } = this.#transfer ?? { bytesBefore: 0, bytesTotal: 0 }
    return { bytes: this.#bytes, bytesTotal: Math.max(bytesBefore + bytesTotal, this.#bytes) }
  }

  /** After the last part: the base that all of them make. Nothing of it stays here. */
  end({ pageCount, checksum }: Chunk): WholeBase {
    const table = this.#table
    this.forget()
    return { table, pageCount, checksum }
  }

  #start(first: Chunk): Transfer {
    if (first.from === LSN_ZERO) this.#empty()
    this.#table.truncate(first.pageCount)
    const { pageCount: pagesBefore } = this.#table
    this.#transfer = { first, pagesBefore, bytesBefore: this.#bytes, lastPageNo: 0, bytesTotal: 0 }
    return this.#transfer
  }

  #empty(): void {
    this.#lsn = LSN_ZERO
    this.#table = new PageTable()
    this.#bytes = 0
  }

  /** The parts of a connection are of one snapshot, and leave out only what is here. @throws FRAME_MALFORMED */
  #checkPart(part: Chunk): void {
    const { from, pageNo, count, isLast, outcomes } = part
    const transfer = this.#transfer
    if (transfer === null && from !== LSN_ZERO && from !== this.#lsn)
      throw malformed(`expected pages from the beginning or from ${this.#lsn} on, got them from ${from}`)
    if (transfer !== null && !isSameSnapshot(part, transfer.first))
      throw malformed("expected a part of the same snapshot, got one of another")
    // Empty parts that are not the last could come for ever.
    if (count === 0 && outcomes.length === 0 && !isLast) throw malformed("expected pages or outcomes, got neither")
    const pagesHere = transfer === null && from === LSN_ZERO ? 0 : this.#table.pageCount
    if (count > 0 && (pageNo <= (transfer?.lastPageNo ?? 0) || pageNo > pagesHere + 1))
      throw malformed(`expected page ${pagesHere + 1} or a changed one before it, got page ${pageNo}`)
  }
}

/** How many more chunks follow this one, if all of them do. */
export function chunksAfter({ pageCount, pageNo, count }: Chunk): number {
  return count === 0 ? 0 : Math.ceil((pageCount - pageNo - count + 1) / count)
}

function isSameSnapshot(a: Chunk, b: Chunk): boolean {
  return a.from === b.from && a.to === b.to && a.pageCount === b.pageCount && a.checksum === b.checksum
}

function malformed(message: string): LfError {
  return new LfError("FRAME_MALFORMED", message)
}
