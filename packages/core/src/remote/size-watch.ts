import type { Database } from "../sqlite/database.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { mutationPagesMax } from "../timeline/apply-group.ts"

/** Pages that mutations may fill in a document: 960 MiB. The rest of DOCUMENT_PAGES_MAX is room for our own rows and for migrations. */
export const MUTATION_PAGES_MAX = mutationPagesMax(DOCUMENT_PAGES_MAX)
/** The share of its limit from which the operator is warned. */
export const NEAR_SHARE = 0.9
/** The share past its limit, by our own rows, from which mutations of clients are refused: rows that note them must fit (T36). */
export const OVER_SHARE = 1 / 32

export interface DocumentSize {
  readonly pagesUsed: number
  readonly pagesMax: number
}

/** Called once each time a document's size reaches NEAR_SHARE of its limit. */
export type OnNearLimit = (size: DocumentSize) => void

/** A document's used pages, counted only when its file is near the limit. */
export class SizeWatch {
  /** The pages that mutations may fill. */
  readonly pagesMax: number
  readonly #onNearLimit: OnNearLimit
  #isNear = false
  /** Whether our own rows have filled the room left for them. */
  isOver = false

  constructor(pagesMax: number | undefined, onNearLimit: OnNearLimit = () => {}) {
    this.pagesMax = Math.min(pagesMax ?? MUTATION_PAGES_MAX, MUTATION_PAGES_MAX)
    this.#onNearLimit = onNearLimit
  }

  /** Called after each commit. */
  look(db: Database, pageCount: number): void {
    const { pagesMax } = this
    const nearAt = pagesMax * NEAR_SHARE
    // The used pages are at most `pageCount`.
    const pagesUsed = pageCount < nearAt ? 0 : db.pagesUsed
    this.isOver = pagesUsed > pagesMax * (1 + OVER_SHARE)
    const isNear = pagesUsed >= nearAt
    if (isNear && !this.#isNear) this.#onNearLimit({ pagesUsed, pagesMax })
    this.#isNear = isNear
  }
}
