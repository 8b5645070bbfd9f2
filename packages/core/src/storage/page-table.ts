import { assert } from "../base/assert.ts"
import { pageChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { PageList } from "../base/page-list.ts"
import type { Page } from "../sqlite/page.ts"
import type { Changeset } from "./changeset.ts"
import { applyDeltas } from "./delta.ts"
import { CHUNK_PAGES, type PageChunk } from "./page-chunk.ts"

/** The pages of a moment, consistent for ever, since pages are never written into. Made without a copy of their list. */
export class PageSnapshot implements PageList {
  readonly length: number
  /** Each of `chunkPages` pages but the last. They are shared with the table, and never written into again. */
  readonly chunks: readonly PageChunk[]
  readonly chunkPages: number

  constructor(chunks: readonly PageChunk[], length: number, chunkPages: number) {
    this.chunks = chunks
    this.length = length
    this.chunkPages = chunkPages
  }

  at(index: number): Page | undefined {
    return this.chunks[Math.floor(index / this.chunkPages)]?.[index % this.chunkPages]
  }

  *[Symbol.iterator](): Iterator<Page> {
    for (const chunk of this.chunks) yield* chunk
  }
}

/** All pages of a database, and what they must add up to. */
export interface WholeBase {
  readonly table: PageTable
  readonly pageCount: number
  readonly checksum: bigint
}

/** The committed pages of a database and their rolling checksum: the xor of every page's share, so a change costs one page. */
export class PageTable {
  #chunks: Page[][] = []
  /** By chunk: no snapshot has it. */
  #isOwn: boolean[] = []
  #shares: bigint[] = []
  #checksum = 0n
  /** A snapshot shares the chunks, and a change after it copies the one that it is in. */
  readonly #chunkPages: number

  constructor(chunkPages = CHUNK_PAGES) {
    this.#chunkPages = chunkPages
  }

  get pageCount(): number {
    return this.#shares.length
  }

  get checksum(): bigint {
    return this.#checksum
  }

  page(pageNo: number): Page | undefined {
    return this.#chunks[Math.floor((pageNo - 1) / this.#chunkPages)]?.[(pageNo - 1) % this.#chunkPages]
  }

  /** Every page as it is now. */
  snapshot(): PageSnapshot {
    this.#isOwn.fill(false)
    return new PageSnapshot(this.#chunks.slice(), this.pageCount, this.#chunkPages)
  }

  set(pageNo: number, page: Page, share = pageChecksum(pageNo, page)): void {
    this.#checksum ^= (this.#shares[pageNo - 1] ?? 0n) ^ share
    this.#ownChunk(Math.floor((pageNo - 1) / this.#chunkPages))[(pageNo - 1) % this.#chunkPages] = page
    this.#shares[pageNo - 1] = share
  }

  truncate(pageCount: number): void {
    if (pageCount >= this.pageCount) return
    for (let i = pageCount; i < this.#shares.length; i++) this.#checksum ^= this.#shares[i]
    this.#shares.length = pageCount
    this.#chunks.length = Math.ceil(pageCount / this.#chunkPages)
    this.#isOwn.length = this.#chunks.length
    const rest = pageCount % this.#chunkPages
    if (rest > 0) this.#ownChunk(this.#chunks.length - 1).length = rest
  }

  /** The chunk, to be written into. */
  #ownChunk(index: number): Page[] {
    let chunk = this.#chunks[index]
    if (chunk !== undefined && this.#isOwn[index]) return chunk
    chunk = chunk?.slice() ?? []
    this.#chunks[index] = chunk
    this.#isOwn[index] = true
    return chunk
  }

  load(pages: Iterable<Page>): void {
    this.truncate(0)
    let pageNo = 0
    for (const page of pages) this.set(++pageNo, page)
  }

  /**
   * Puts a changeset on top, all of it or nothing. Returns the pages that changed as they were, by their numbers.
   * @throws CHECKSUM_MISMATCH when it was not made for these pages, or does not add up (I5)
   * @throws BYTES_MALFORMED
   */
  receive(changeset: Changeset): Map<number, Page | undefined> {
    const whole = changeset.isWhole
    if (!whole && changeset.before !== null && changeset.before !== this.#checksum)
      throw mismatch("the pages are not those that the changes were made for")
    const made = new Map<number, { readonly page: Page; readonly share: bigint }>()
    let after = whole ? 0n : this.#checksum
    for (let i = changeset.pageCount; !whole && i < this.pageCount; i++) after ^= this.#shares[i]
    for (const { pageNo, deltas } of changeset.pages) {
      const old = whole ? undefined : this.page(pageNo)
      const page = applyDeltas(old, deltas)
      assert(page !== undefined, "a changed page has at least one delta")
      const share = pageChecksum(pageNo, page)
      made.set(pageNo, { page, share })
      after ^= (old === undefined ? 0n : this.#shares[pageNo - 1]) ^ share
    }
    if (after !== changeset.after) throw mismatch("the pages do not add up to the checksum")
    if (!isComplete(changeset, made, whole ? 0 : this.pageCount)) throw mismatch("a page is missing")
    const old = new Map<number, Page | undefined>()
    for (const pageNo of made.keys()) old.set(pageNo, this.page(pageNo))
    for (let pageNo = changeset.pageCount + 1; pageNo <= this.pageCount; pageNo++) old.set(pageNo, this.page(pageNo))
    this.truncate(whole ? 0 : changeset.pageCount)
    for (const [pageNo, { page, share }] of made) this.set(pageNo, page, share)
    return old
  }
}

/** Every page beyond those that were there is in the changeset. */
function isComplete(changeset: Changeset, made: ReadonlyMap<number, unknown>, pageCount: number): boolean {
  for (let pageNo = pageCount + 1; pageNo <= changeset.pageCount; pageNo++) if (!made.has(pageNo)) return false
  return true
}

function mismatch(message: string): LfError {
  return new LfError("CHECKSUM_MISMATCH", message)
}
