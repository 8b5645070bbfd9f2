import { LSN_ZERO, type Lsn } from "../base/lsn.ts"
import { type Chunk, OUTCOMES_PER_PART_MAX, type Rejection, type SyncStorage } from "../network/message.ts"
import { encodeChunk } from "../storage/page-chunk.ts"
import type { PageHistory } from "../storage/page-history.ts"
import type { Snapshot } from "./page-transfer.ts"

/** What one client lacks of a whole base. */
export interface BasePlan {
  /** The client's own pages from there stay; 0: it gets all of them. */
  readonly from: Lsn
  /** Indexes of the chunks that it gets, ascending. */
  readonly chunks: readonly number[]
}

/** A first sync that was cut goes on, if it is known what changed since; otherwise it begins anew. */
export function planBase(snapshot: Snapshot, history: PageHistory, request: SyncStorage): BasePlan {
  const { resumeLsn, resumePages } = request
  const { chunks, chunkPages } = snapshot.pages
  const from = resumeLsn <= snapshot.lsn && history.reaches(resumeLsn) ? resumeLsn : LSN_ZERO
  const isThere = (pageNo: number) => pageNo <= resumePages && !history.hasChanged(pageNo, from)
  const lacks = (index: number) => chunks[index].some((_, i) => !isThere(index * chunkPages + i + 1))
  const all = [...chunks.keys()]
  return { from, chunks: from === LSN_ZERO ? all : all.filter(lacks) }
}

/** A whole base for one client, a chunk in each part. Each part is made when it is requested (T23). */
export class BaseTransfer {
  readonly #snapshot: Snapshot
  readonly #plan: BasePlan
  readonly #outcomes: readonly Rejection[]
  #next = 0
  #nextOutcome = 0
  #pagesSent = 0
  #bytesSent = 0

  constructor(snapshot: Snapshot, plan: BasePlan, outcomes: readonly Rejection[]) {
    this.#snapshot = snapshot
    this.#plan = plan
    this.#outcomes = outcomes
  }

  async nextPart(): Promise<Chunk> {
    const { lsn: to, checksum } = this.#snapshot
    const { length: pageCount, chunks, chunkPages } = this.#snapshot.pages
    const index = this.#plan.chunks.at(this.#next++)
    const chunk = index === undefined ? [] : chunks[index]
    // Compressed while this one is sent.
    const following = this.#plan.chunks.at(this.#next)
    const block = encodeChunk(chunk)
    if (following !== undefined) encodeChunk(chunks[following]).catch(() => {}) // it is asked for again
    // All outcomes are sent before the last part: a client that has the base has the data of its rejections.
    const outcomes = this.#outcomes.slice(this.#nextOutcome, this.#nextOutcome + OUTCOMES_PER_PART_MAX)
    this.#nextOutcome += outcomes.length
    const isLast = this.#next >= this.#plan.chunks.length && this.#nextOutcome >= this.#outcomes.length
    const bytes = await block
    this.#pagesSent += chunk.length
    this.#bytesSent += bytes.length
    return {
      type: "chunk",
      from: this.#plan.from,
      to,
      pageCount,
      checksum,
      isLast,
      bytesTotal: this.#estimate(chunkPages, pageCount),
      pageNo: index === undefined ? 0 : index * chunkPages + 1,
      count: chunk.length,
      block: bytes,
      outcomes,
    }
  }

  #estimate(chunkPages: number, pageCount: number): number {
    const pages = Math.min(this.#plan.chunks.length * chunkPages, pageCount)
    return Math.ceil((this.#bytesSent / Math.max(this.#pagesSent, 1)) * pages)
  }
}
