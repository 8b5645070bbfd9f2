import { assert } from "./assert.ts"

declare const brand: unique symbol

/** Position in a journal: 1, 2, 3 …; 0 = empty. */
export type Lsn = number & { readonly [brand]: "Lsn" }

export const LSN_ZERO = 0 as Lsn

/** The only function that makes the branded type. */
export function lsn(value: number): Lsn {
  assert(Number.isSafeInteger(value) && value >= 0, `lsn ${value} is a safe integer from 0`)
  return value as Lsn
}

export function nextLsn(position: Lsn): Lsn {
  return lsn(position + 1)
}

/** The position `count` entries after `position`. */
export function lsnAfter(position: Lsn, count: number): Lsn {
  return lsn(position + count)
}
