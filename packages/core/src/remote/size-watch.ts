import type { Database } from "../sqlite/database.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { mutationPagesMax } from "../timeline/apply-group.ts"

/** Pages that mutations may fill in a document: 960 MiB. The rest of DOCUMENT_PAGES_MAX is room for our own rows and for migrations. */
export const MUTATION_PAGES_MAX = mutationPagesMax(DOCUMENT_PAGES_MAX)
/** From this part of its limit on the operator is warned. */
export const NEAR_SHARE = 0.9
/** So much past its limit, by rows of our own, and no client's mutation is taken any more: what notes them must fit (T36). */
export const OVER_SHARE = 1 / 32

export interface DocumentSize {
  readonly pagesUsed: number
  readonly pagesMax: number
}

/** Told when a document comes near its limit, once each time that it does. */
export type OnNearLimit = (size: DocumentSize) => void

/** How much of a document's pages is used, looked at only where it matters. */
export class SizeWatch {
  /** Up to here mutations may fill the document. */
  readonly pagesMax: number
  readonly #onNearLimit: OnNearLimit
  #isNear = false
  /** Our own rows have filled what was left for them. */
  isOver = false

  constructor(pagesMax: number | undefined, onNearLimit: OnNearLimit = () => {}) {
    this.pagesMax = Math.min(pagesMax ?? MUTATION_PAGES_MAX, MUTATION_PAGES_MAX)
    this.#onNearLimit = onNearLimit
  }

  /** After a commit. */
  look(db: Database, pageCount: number): void {
    const { pagesMax } = this
    const nearAt = pagesMax * NEAR_SHARE
    // The file never has fewer pages than are used.
    const pagesUsed = pageCount < nearAt ? 0 : db.pagesUsed
    this.isOver = pagesUsed > pagesMax * (1 + OVER_SHARE)
    const isNear = pagesUsed >= nearAt
    if (isNear && !this.#isNear) this.#onNearLimit({ pagesUsed, pagesMax })
    this.#isNear = isNear
  }
}
