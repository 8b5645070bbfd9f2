import { assert } from "../base/assert.ts"
import { LfError } from "../base/error.ts"
import { PAGE_BYTES, type Page, samePageContent, ZERO_PAGE } from "../sqlite/page.ts"
import type { PageStore } from "../sqlite/vfs.ts"
import { type Changeset, DOCUMENT_PAGES_MAX, type PageChange } from "./changeset.ts"
import { encodeDelta, type PageDelta, samePage } from "./delta.ts"
import { type PageSnapshot, PageTable, type WholeBase } from "./page-table.ts"

/** One megabyte: more than most transactions write. */
const SPARE_PAGES_MAX = 256

/**
 * The pages under one SQLite connection: a committed base and an overlay of pages that were written since.
 * On the server the overlay is the transaction that is being committed; on a client it is everything pending.
 */
export class Storage implements PageStore {
  #base: PageTable
  readonly #overlay = new Map<number, Page>()
  #overlayPageCount: number | null = null
  /** The view's pages as they were when `takeChanges` was last called, for those touched since. */
  readonly #seen = new Map<number, Page | undefined>()
  /** Pages of the overlay that were replaced: written again instead of a new one, which would cost more than its bytes. */
  readonly #spare: Page[] = []
  /** Deltas that the next commit needs, made before. */
  readonly #deltas = new Map<number, PageDelta>()
  /** Pages in `#seen` that were the overlay's: spare once they have been compared. */
  #seenOverlay: Page[] = []

  readonly pageCountMax: number

  constructor(pages: Iterable<Page> = [], pageCountMax = DOCUMENT_PAGES_MAX, chunkPages?: number) {
    this.pageCountMax = pageCountMax
    this.#base = new PageTable(chunkPages)
    this.#base.load(pages)
  }

  pageCount(): number {
    return this.#overlayPageCount ?? this.#base.pageCount
  }

  page(pageNo: number): Page | undefined {
    const pending = this.#overlay.get(pageNo)
    if (pending !== undefined) return pending
    if (pageNo > this.pageCount()) return undefined
    return this.#base.page(pageNo) ?? ZERO_PAGE
  }

  /** Called by the VFS. @throws DOC_TOO_LARGE */
  write(pageNo: number, page: Page): void {
    assert(page.length === PAGE_BYTES, "a page has its size")
    if (pageNo > DOCUMENT_PAGES_MAX)
      throw new LfError(
        "DOC_TOO_LARGE",
        `expected at most ${DOCUMENT_PAGES_MAX} pages of a document, got page ${pageNo}`,
      )
    const replaced = this.#overlay.get(pageNo)
    if (replaced !== undefined) {
      if (this.#seen.has(pageNo)) this.#recycle(replaced)
      else this.#seenOverlay.push(replaced)
    }
    this.#touch(pageNo)
    this.#deltas.delete(pageNo)
    this.#overlay.set(pageNo, page)
    if (pageNo > this.pageCount()) this.#overlayPageCount = pageNo
  }

  /** A page to write into, with any content, for `write`. */
  newPage(): Page {
    return this.#spare.pop() ?? new Uint8Array(PAGE_BYTES)
  }

  truncate(pageCount: number): void {
    for (let pageNo = pageCount + 1; pageNo <= this.pageCount(); pageNo++) this.#touch(pageNo)
    for (const pageNo of this.#overlay.keys()) if (pageNo > pageCount) this.#overlay.delete(pageNo)
    this.#overlayPageCount = pageCount
  }

  /** Checksum and page count of the base: the same at every client and the server at one cursor (I5). */
  get checksum(): bigint {
    return this.#base.checksum
  }

  get basePageCount(): number {
    return this.#base.pageCount
  }

  get baseBytes(): number {
    return this.basePageCount * PAGE_BYTES
  }

  /** The base's pages, consistent for ever. */
  snapshot(): PageSnapshot {
    return this.#base.snapshot()
  }

  /** Pages that the next commit compares with the base. */
  get overlayPages(): number {
    return this.#overlay.size
  }

  /** Makes the deltas of the next commit, one at a time: a mutation that writes thousands of pages needs a second for them. */
  *encodeOverlay(): Generator<void> {
    for (const [pageNo, page] of this.#overlay) {
      const old = this.#base.page(pageNo)
      if (samePage(old, page)) continue
      this.#deltas.set(pageNo, encodeDelta(old, page))
      yield
    }
  }

  get hasOverlay(): boolean {
    return this.#overlay.size > 0 || this.#overlayPageCount !== null
  }

  /** Makes the overlay part of the base; what changed, or null when nothing did. */
  commit(): Changeset | null {
    const before = this.#base.checksum
    const pageCount = this.pageCount()
    const shrunk = pageCount < this.#base.pageCount
    const pages: PageChange[] = []
    // An unwritten page is one of zeros, here and at every reader.
    for (let pageNo = this.#base.pageCount + 1; pageNo <= pageCount; pageNo++)
      if (!this.#overlay.has(pageNo)) this.#overlay.set(pageNo, ZERO_PAGE)
    const numbers = [...this.#overlay.keys()].sort((a, b) => a - b)
    for (const pageNo of numbers) {
      const page = this.#overlay.get(pageNo)
      const old = this.#base.page(pageNo)
      if (page === undefined || samePage(old, page)) continue
      pages.push({ pageNo, deltas: [this.#deltas.get(pageNo) ?? encodeDelta(old, page)] })
      this.#base.set(pageNo, page)
    }
    this.#base.truncate(pageCount)
    this.#forgetOverlay()
    if (pages.length === 0 && !shrunk) return null
    return { pageCount, isWhole: false, before, after: this.#base.checksum, pages }
  }

  /** Forgets the overlay. The pager must be reset afterwards. */
  revert(): void {
    const widest = Math.max(this.pageCount(), this.#base.pageCount)
    for (const pageNo of this.#overlay.keys()) this.#touch(pageNo)
    for (let pageNo = this.#base.pageCount + 1; pageNo <= widest; pageNo++) this.#touch(pageNo)
    for (let pageNo = this.pageCount() + 1; pageNo <= widest; pageNo++) this.#touch(pageNo)
    this.#forgetOverlay()
  }

  #forgetOverlay(): void {
    this.#overlay.clear()
    this.#deltas.clear()
    this.#overlayPageCount = null
  }

  /**
   * Puts the server's pages under. The overlay must be reverted first.
   * @throws CHECKSUM_MISMATCH BYTES_MALFORMED and then nothing has changed
   */
  receive(changeset: Changeset): void {
    assert(!this.hasOverlay, "pages are received under an empty overlay")
    for (const [pageNo, old] of this.#base.receive(changeset)) this.#touchOld(pageNo, old)
  }

  /**
   * Puts a whole base in the place of what is there, which costs no copy of a page. The overlay must be reverted first.
   * @throws CHECKSUM_MISMATCH and then nothing has changed (I5)
   */
  replaceBase({ table, pageCount, checksum }: WholeBase): void {
    assert(!this.hasOverlay, "pages are received under an empty overlay")
    if (table.pageCount !== pageCount || table.checksum !== checksum)
      throw new LfError("CHECKSUM_MISMATCH", "the pages do not add up to the checksum")
    const widest = Math.max(pageCount, this.#base.pageCount)
    for (let pageNo = 1; pageNo <= widest; pageNo++) this.#touchOld(pageNo, this.#base.page(pageNo))
    this.#base = table
  }

  /** Drops overlay and base: the base will be fetched again. */
  clear(): void {
    this.revert()
    for (let pageNo = 1; pageNo <= this.#base.pageCount; pageNo++) this.#touch(pageNo)
    this.#base.truncate(0)
  }

  /** The pages whose content a reader would find changed since the last call, page 1's bookkeeping left out. */
  takeChanges(): Set<number> {
    const changed = new Set<number>()
    for (const [pageNo, old] of this.#seen) {
      const now = this.page(pageNo)
      if (old === undefined || now === undefined ? old !== now : !samePageContent(pageNo, old, now)) changed.add(pageNo)
    }
    this.#seen.clear()
    for (const page of this.#seenOverlay) this.#recycle(page)
    this.#seenOverlay = []
    return changed
  }

  #recycle(page: Page): void {
    if (this.#spare.length < SPARE_PAGES_MAX) this.#spare.push(page)
  }

  #touch(pageNo: number): void {
    this.#touchOld(pageNo, this.page(pageNo))
  }

  #touchOld(pageNo: number, old: Page | undefined): void {
    if (!this.#seen.has(pageNo)) this.#seen.set(pageNo, old)
  }
}
