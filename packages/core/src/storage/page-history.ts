import { assert } from "../base/assert.ts"
import { LSN_ZERO, type Lsn, lsn } from "../base/lsn.ts"
import type { Page } from "../sqlite/page.ts"
import type { Changeset, PageChange } from "./changeset.ts"
import { encodeWhole, isWhole, type PageDelta } from "./delta.ts"

/** Deltas kept for readers that are a little behind. */
const RING_BYTES_MAX = 8 * 1024 * 1024

interface Step {
  readonly lsn: Lsn
  readonly changeset: Changeset
  readonly bytes: number
}

/** What a reader at some cursor lacks: the numbers of the pages, and how to get each. */
export interface Difference {
  readonly before: bigint | null
  readonly pageNos: readonly number[]
  change(pageNo: number, page: Page): PageChange
}

/** Compressed pages: a page is immutable, so its bytes are made once however many readers fetch it. */
const wholeByPage = new WeakMap<Page, PageDelta>()

/**
 * Recent changes: a ring of changesets for recent cursors, and for older ones the position of each page's last
 * change. No reader needs the full history to catch up.
 */
export class PageHistory {
  #ring: Step[] = []
  #ringBytes = 0
  /** The position from which on the ring has every change. */
  #ringStart: Lsn
  /** By page number - 1. */
  readonly #changedAt: number[]
  /** The oldest cursor for which `#changedAt` is exact. */
  readonly #changedSince: Lsn

  constructor(start: Lsn, changedAt: readonly number[] = [], changedSince = start) {
    this.#ringStart = start
    this.#changedAt = [...changedAt]
    this.#changedSince = changedSince
  }

  get changedAt(): readonly number[] {
    return this.#changedAt
  }

  get changedSince(): Lsn {
    return this.#changedSince
  }

  append(position: Lsn, changeset: Changeset): void {
    let bytes = 64
    for (const { pageNo, deltas } of changeset.pages) {
      this.#changedAt[pageNo - 1] = position
      for (const delta of deltas) bytes += delta.length + 8
    }
    this.#changedAt.length = changeset.pageCount
    this.#ring.push({ lsn: position, changeset, bytes })
    this.#ringBytes += bytes
    if (this.#ringBytes > RING_BYTES_MAX) this.#dropOldest()
  }

  /** What a reader at `cursor` lacks; null: everything, or too much is forgotten to know less. */
  since(cursor: Lsn): Difference | null {
    if (!this.reaches(cursor)) return null
    if (cursor < this.#ringStart) return this.#byPosition(cursor)
    return this.#byRing(cursor)
  }

  /** Whether every page's last change after `cursor` is known. */
  reaches(cursor: Lsn): boolean {
    return cursor > LSN_ZERO && cursor >= this.#changedSince
  }

  /** Whether the page was changed or added after `cursor`, which the history reaches. */
  hasChanged(pageNo: number, cursor: Lsn): boolean {
    return this.#changedAt[pageNo - 1] > cursor
  }

  #byPosition(cursor: Lsn): Difference {
    const pageNos: number[] = []
    for (let i = 0; i < this.#changedAt.length; i++) if (this.#changedAt[i] > cursor) pageNos.push(i + 1)
    return { before: null, pageNos, change: wholeChange }
  }

  #byRing(cursor: Lsn): Difference {
    const chains = new Map<number, PageDelta[]>()
    let before: bigint | null = null
    for (let i = this.#firstAfter(cursor); i < this.#ring.length; i++) {
      const { changeset } = this.#ring[i]
      before ??= changeset.before
      for (const { pageNo, deltas } of changeset.pages) addToChain(chains, pageNo, deltas)
    }
    const pageNos = [...chains.keys()].sort((a, b) => a - b)
    return {
      before,
      pageNos,
      change(pageNo, page) {
        const deltas = chains.get(pageNo)
        assert(deltas !== undefined, "only pages that changed are asked for")
        return smaller(pageNo, page, deltas)
      },
    }
  }

  /** Index of the first change after `cursor`; most readers are almost up to date. */
  #firstAfter(cursor: Lsn): number {
    let [from, to] = [0, this.#ring.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#ring[middle].lsn > cursor) to = middle
      else from = middle + 1
    }
    return from
  }

  #dropOldest(): void {
    let count = 0
    while (this.#ringBytes > RING_BYTES_MAX / 2) {
      this.#ringBytes -= this.#ring[count].bytes
      this.#ringStart = lsn(this.#ring[count].lsn)
      count++
    }
    this.#ring = this.#ring.slice(count)
  }
}

function wholeChange(pageNo: number, page: Page): PageChange {
  let delta = wholeByPage.get(page)
  if (delta === undefined) {
    delta = encodeWhole(page)
    wholeByPage.set(page, delta)
  }
  return { pageNo, deltas: [delta] }
}

/** A whole page makes what came before it needless. */
function addToChain(chains: Map<number, PageDelta[]>, pageNo: number, deltas: readonly PageDelta[]): void {
  let chain = chains.get(pageNo)
  for (const delta of deltas) {
    if (chain === undefined || isWhole(delta)) {
      chain = []
      chains.set(pageNo, chain)
    }
    chain.push(delta)
  }
}

/** Under this a chain is taken as it is: compressing the page could hardly win. */
const CHAIN_BYTES_SMALL = 512

function smaller(pageNo: number, page: Page, deltas: readonly PageDelta[]): PageChange {
  // One delta was compared with the whole page when it was made.
  if (deltas.length === 1) return { pageNo, deltas }
  let bytes = 0
  for (const delta of deltas) bytes += delta.length + 1
  if (bytes <= CHAIN_BYTES_SMALL) return { pageNo, deltas }
  const whole = wholeChange(pageNo, page)
  return whole.deltas[0].length + 1 < bytes ? whole : { pageNo, deltas }
}
