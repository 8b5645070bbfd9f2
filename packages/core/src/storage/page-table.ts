import { assert } from "../base/assert.ts"
import { pageChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { Page } from "../sqlite/page.ts"
import type { Changeset } from "./changeset.ts"
import { applyDelta } from "./delta.ts"

/** The committed pages of a database and their rolling checksum: the xor of every page's share, so a change costs one page. */
export class PageTable {
  #pages: Page[] = []
  #shares: bigint[] = []
  #checksum = 0n

  get pageCount(): number {
    return this.#pages.length
  }

  get checksum(): bigint {
    return this.#checksum
  }

  page(pageNo: number): Page | undefined {
    return this.#pages[pageNo - 1]
  }

  /** References to every page as they are now: consistent for ever, since pages are never written into. */
  snapshot(): readonly Page[] {
    return this.#pages.slice()
  }

  set(pageNo: number, page: Page): void {
    const share = pageChecksum(pageNo, page)
    this.#checksum ^= (this.#shares[pageNo - 1] ?? 0n) ^ share
    this.#pages[pageNo - 1] = page
    this.#shares[pageNo - 1] = share
  }

  truncate(pageCount: number): void {
    for (let i = pageCount; i < this.#shares.length; i++) this.#checksum ^= this.#shares[i]
    if (pageCount < this.#pages.length) {
      this.#pages.length = pageCount
      this.#shares.length = pageCount
    }
  }

  load(pages: readonly Page[]): void {
    this.truncate(0)
    for (let i = 0; i < pages.length; i++) this.set(i + 1, pages[i])
  }

  /**
   * Puts a changeset on top, all of it or nothing. Returns the changed pages' numbers.
   * @throws CHECKSUM_MISMATCH when it was not made for these pages, or does not add up (I5)
   * @throws BYTES_MALFORMED
   */
  receive(changeset: Changeset): number[] {
    const whole = changeset.isWhole
    if (!whole && changeset.before !== null && changeset.before !== this.#checksum)
      throw mismatch("the pages are not those that the changes were made for")
    const made = new Map<number, Page>()
    let after = whole ? 0n : this.#checksum
    for (let i = changeset.pageCount; !whole && i < this.#shares.length; i++) after ^= this.#shares[i]
    for (const { pageNo, deltas } of changeset.pages) {
      const old = whole ? undefined : this.page(pageNo)
      let page = old
      for (const delta of deltas) page = applyDelta(page, delta)
      assert(page !== undefined, "a changed page has at least one delta")
      made.set(pageNo, page)
      after ^= (old === undefined ? 0n : this.#shares[pageNo - 1]) ^ pageChecksum(pageNo, page)
    }
    if (after !== changeset.after) throw mismatch("the pages do not add up to the checksum")
    if (!isComplete(changeset, made, whole ? 0 : this.pageCount)) throw mismatch("a page is missing")
    const gone = this.#pages.length
    this.truncate(whole ? 0 : changeset.pageCount)
    for (const [pageNo, page] of made) this.set(pageNo, page)
    const changed = [...made.keys()]
    for (let pageNo = changeset.pageCount + 1; pageNo <= gone; pageNo++) changed.push(pageNo)
    return changed
  }
}

/** Every page beyond those that were there is in the changeset. */
function isComplete(changeset: Changeset, made: ReadonlyMap<number, Page>, pageCount: number): boolean {
  for (let pageNo = pageCount + 1; pageNo <= changeset.pageCount; pageNo++) if (!made.has(pageNo)) return false
  return true
}

function mismatch(message: string): LfError {
  return new LfError("CHECKSUM_MISMATCH", message)
}
