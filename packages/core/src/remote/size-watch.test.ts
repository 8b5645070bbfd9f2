import { describe, expect, test } from "vitest"
import type { Database } from "../sqlite/database.ts"
import { MUTATION_PAGES_MAX, NEAR_SHARE, OVER_SHARE, SizeWatch } from "./size-watch.ts"

/** A watch of a document that may have 1,000 pages, and its calls of `onNearLimit`. */
function watch(pagesMax: number | undefined = 1_000) {
  const reported: unknown[] = []
  const size = new SizeWatch(pagesMax, (now) => reported.push(now))
  const look = (pagesUsed: number, pageCount = pagesUsed) => size.look({ pagesUsed } as Database, pageCount)
  return { size, reported, look }
}

describe("a document's size (T36)", () => {
  test("is reported once each time it comes near its limit", () => {
    const { reported, look } = watch()
    const near = 1_000 * NEAR_SHARE
    look(near - 1)
    expect(reported).toEqual([])
    look(near)
    look(near + 50)
    expect(reported).toEqual([{ pagesUsed: near, pagesMax: 1_000 }])
    look(near - 1)
    look(near + 1)
    expect(reported).toEqual([
      { pagesUsed: near, pagesMax: 1_000 },
      { pagesUsed: near + 1, pagesMax: 1_000 },
    ])
  })

  test("is its used pages, not the size of its file", () => {
    const { size, reported, look } = watch()
    look(10, 5_000)
    expect([reported, size.isOver]).toEqual([[], false])
  })

  test("is not counted while the file is too small", () => {
    const { size } = watch()
    const db = {
      get pagesUsed(): number {
        throw new Error("this costs a statement")
      },
    }
    size.look(db as Database, 899)
    expect(() => size.look(db as Database, 900)).toThrow()
  })

  test("is over from 1/32 past its limit on, until it is less again", () => {
    const { size, look } = watch(3_200)
    expect(OVER_SHARE).toBe(1 / 32)
    const seen = [3_200, 3_300, 3_301, 3_300].map((pages) => {
      look(pages)
      return size.isOver
    })
    expect(seen).toEqual([false, false, true, false])
  })

  test("has a limit of at most MUTATION_PAGES_MAX, the default", () => {
    expect([new SizeWatch(7), new SizeWatch(undefined), new SizeWatch(2 * MUTATION_PAGES_MAX)]).toMatchObject([
      { pagesMax: 7 },
      { pagesMax: MUTATION_PAGES_MAX },
      { pagesMax: MUTATION_PAGES_MAX },
    ])
    new SizeWatch(1).look({ pagesUsed: 9 } as Database, 9)
  })
})
