import { describe, expect, test } from "vitest"
import type { Database } from "../sqlite/database.ts"
import { MUTATION_PAGES_MAX, NEAR_SHARE, OVER_SHARE, SizeWatch } from "./size-watch.ts"

/** A watch of a document that may have 1,000 pages, and what its operator is told. */
function watch(pagesMax: number | undefined = 1_000) {
  const told: unknown[] = []
  const size = new SizeWatch(pagesMax, (now) => told.push(now))
  const look = (pagesUsed: number, pageCount = pagesUsed) => size.look({ pagesUsed } as Database, pageCount)
  return { size, told, look }
}

describe("T36 how full a document is", () => {
  test("is told once when it comes near its limit, and once more when it comes near again", () => {
    const { told, look } = watch()
    const near = 1_000 * NEAR_SHARE
    look(near - 1)
    expect(told).toEqual([])
    look(near)
    look(near + 50)
    expect(told).toEqual([{ pagesUsed: near, pagesMax: 1_000 }])
    look(near - 1)
    look(near + 1)
    expect(told).toEqual([
      { pagesUsed: near, pagesMax: 1_000 },
      { pagesUsed: near + 1, pagesMax: 1_000 },
    ])
  })

  test("is what its pages hold, not the size of its file", () => {
    const { size, told, look } = watch()
    look(10, 5_000)
    expect([told, size.isOver]).toEqual([[], false])
  })

  test("is not looked at while the file is too small to matter", () => {
    const { size } = watch()
    const db = {
      get pagesUsed(): number {
        throw new Error("this costs a statement")
      },
    }
    size.look(db as Database, 899)
    expect(() => size.look(db as Database, 900)).toThrow()
  })

  test("is over from a thirty-second past its limit on, until it is less again", () => {
    const { size, look } = watch(3_200)
    expect(OVER_SHARE).toBe(1 / 32)
    const seen = [3_200, 3_300, 3_301, 3_300].map((pages) => {
      look(pages)
      return size.isOver
    })
    expect(seen).toEqual([false, false, true, false])
  })

  test("has a limit of its own at most as high as mutations may fill at all, which is the default", () => {
    expect([new SizeWatch(7), new SizeWatch(undefined), new SizeWatch(2 * MUTATION_PAGES_MAX)]).toMatchObject([
      { pagesMax: 7 },
      { pagesMax: MUTATION_PAGES_MAX },
      { pagesMax: MUTATION_PAGES_MAX },
    ])
    new SizeWatch(1).look({ pagesUsed: 9 } as Database, 9)
  })
})
