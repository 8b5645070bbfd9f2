import { firstDifference } from "../base/bytes.ts"

/** The page size of every database; it never changes (I16). */
export const PAGE_BYTES = 4096

/** A page is immutable: a write replaces it, so a consistent snapshot is a list of references. */
export type Page = Uint8Array

export const ZERO_PAGE: Page = new Uint8Array(PAGE_BYTES)

const SCHEMA_COOKIE_AT = 40

/** Page 1's header fields that change with every commit and say nothing about content: [from, to) in bytes. */
const VOLATILE_HEADER: readonly (readonly [number, number])[] = [
  [24, 40], // change counter, size in pages, freelist head and count
  [92, 100], // version-valid-for, SQLite's own version
]

/** Whether a reader could see a difference between `a` and `b`. Page 1 is compared without its bookkeeping fields. */
export function samePageContent(pageNo: number, a: Page, b: Page): boolean {
  if (a === b) return true
  let at = firstDifference(a, b, 0)
  while (pageNo === 1 && isVolatile(at)) at = firstDifference(a, b, at + 1)
  return at === PAGE_BYTES
}

/** The number SQLite bumps at each change of the schema; 0 for an empty database. */
export function schemaCookie(pageOne: Page | undefined): number {
  if (pageOne === undefined) return 0
  return new DataView(pageOne.buffer, pageOne.byteOffset).getUint32(SCHEMA_COOKIE_AT)
}

function isVolatile(offset: number): boolean {
  return VOLATILE_HEADER.some(([from, to]) => offset >= from && offset < to)
}
