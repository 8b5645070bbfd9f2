import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { pagesChecksum } from "../journal/log-header.ts"
import { PAGE_BYTES, type Page, ZERO_PAGE } from "../sqlite/page.ts"
import type { Changeset } from "./changeset.ts"
import { encodeWhole } from "./delta.ts"
import { Storage } from "./storage.ts"

beforeAll(loadChecksum)

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill)
/** The first byte of each page that a reader sees, up to the one behind the last. */
const seen = (storage: Storage) => Array.from({ length: storage.pageCount() + 1 }, (_, i) => storage.page(i + 1)?.[0])

/** Pages filled with these bytes, committed and looked at. */
function storageOf(...fills: number[]): Storage {
  return new Storage(fills.map(page))
}

describe("the overlay", () => {
  test("shows what was written over the base, and unwritten pages between as zeros", () => {
    const storage = storageOf(1, 2)
    expect([storage.hasOverlay, storage.pageCount(), seen(storage)]).toEqual([false, 2, [1, 2, undefined]])
    storage.write(2, page(7))
    expect([storage.hasOverlay, storage.pageCount()]).toEqual([true, 2])
    storage.write(5, page(9))
    expect(seen(storage)).toEqual([1, 7, 0, 0, 9, undefined])
    expect([storage.basePageCount, [...storage.snapshot()]]).toEqual([2, [page(1), page(2)]])
  })

  test("cut to fewer pages shows none behind them; grown again they are zeros", () => {
    const storage = storageOf(1, 2, 3)
    storage.write(3, page(7))
    storage.write(2, page(8))
    storage.truncate(2)
    expect([storage.hasOverlay, seen(storage)]).toEqual([true, [1, 8, undefined]])
    storage.truncate(1)
    expect([seen(storage), storage.hasOverlay]).toEqual([[1, undefined], true])
    storage.write(4, page(9))
    expect(storage.page(4)?.[0]).toBe(9)
    expect(storage.pageCount()).toBe(4)
  })

  test("reverted is gone, whether it wrote, cut or grew", () => {
    const storage = storageOf(1, 2)
    for (const change of [
      () => storage.write(1, page(7)),
      () => storage.truncate(0),
      () => storage.write(4, page(7)),
      () => storage.truncate(2),
    ]) {
      change()
      storage.revert()
      expect([storage.hasOverlay, storage.pageCount(), seen(storage)]).toEqual([false, 2, [1, 2, undefined]])
    }
  })
})

describe("commit", () => {
  test("answers the pages that changed, in ascending order, from one checksum to the next", () => {
    const storage = storageOf(1, 2)
    const before = storage.checksum
    for (const pageNo of [12, 2, 3]) storage.write(pageNo, page(pageNo + 50))
    const changeset = storage.commit()
    expect(changeset).toMatchObject({ pageCount: 12, isWhole: false, before, after: storage.checksum })
    expect(changeset?.pages.map(({ pageNo }) => pageNo)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(storage.checksum).toBe(pagesChecksum([...storage.snapshot()]))
    expect([storage.hasOverlay, seen(storage)[1], storage.snapshot().at(6)]).toEqual([false, 52, ZERO_PAGE])
  })

  test("returns null without changes, and leaves out pages that were written as they were", () => {
    const storage = storageOf(1, 2)
    expect(storage.commit()).toBe(null)
    storage.write(1, page(1))
    storage.truncate(2)
    expect(storage.commit()).toBe(null)
    storage.write(1, page(1))
    storage.write(2, page(9))
    expect(storage.commit()?.pages.map(({ pageNo }) => pageNo)).toEqual([2])
  })

  test("reports that pages went, though none changed, and a replica loses them too (I5)", () => {
    const [storage, replica] = [storageOf(1, 2, 3), storageOf(1, 2, 3)]
    storage.truncate(1)
    const changeset = storage.commit()
    expect(changeset).toMatchObject({ pageCount: 1, pages: [], after: pagesChecksum([page(1)]) })
    replica.receive(changeset as Changeset) // it is not null, as above
    expect([replica.basePageCount, replica.checksum, seen(replica)]).toEqual([1, storage.checksum, [1, undefined]])
  })
})

describe("takeChanges", () => {
  const changes = (storage: Storage) => [...storage.takeChanges()].sort((a, b) => a - b)

  test("names pages that were written, came or went, once", () => {
    const storage = storageOf(1, 2, 3)
    storage.write(2, page(7))
    storage.write(5, page(9))
    expect(changes(storage)).toEqual([2, 5])
    expect(changes(storage)).toEqual([])
    storage.truncate(1)
    expect(changes(storage)).toEqual([2, 3, 4, 5])
    storage.write(2, page(2))
    expect(changes(storage)).toEqual([2])
  })

  test("names none whose content is as it was when it was last called", () => {
    const storage = storageOf(1, 2)
    storage.write(2, page(7))
    storage.write(2, page(2))
    storage.write(3, page(4))
    storage.truncate(2)
    expect(changes(storage)).toEqual([])
  })

  test("names what a revert changes back: written, grown and cut", () => {
    for (const [change, pages] of [
      [(storage: Storage) => storage.write(2, page(7)), [2]],
      [(storage: Storage) => storage.write(5, page(7)), [4, 5]],
      [(storage: Storage) => storage.truncate(1), [2, 3]],
    ] as const) {
      const storage = storageOf(1, 2, 3)
      change(storage)
      storage.takeChanges()
      storage.revert()
      expect(changes(storage)).toEqual(pages)
    }
  })

  test("names what comes from the server, and what goes with a base that is dropped", () => {
    const storage = storageOf(1, 2)
    const pages = [
      { pageNo: 1, deltas: [encodeWhole(page(1))] },
      { pageNo: 2, deltas: [encodeWhole(page(8))] },
      { pageNo: 3, deltas: [encodeWhole(page(9))] },
    ]
    const after = pagesChecksum([page(1), page(8), page(9)])
    storage.receive({ pageCount: 3, isWhole: true, before: null, after, pages })
    expect(changes(storage)).toEqual([2, 3])
    storage.write(4, page(4))
    storage.takeChanges()
    storage.clear()
    expect([storage.pageCount(), storage.checksum, storage.hasOverlay]).toEqual([0, 0n, false])
    expect(changes(storage)).toEqual([1, 2, 3, 4])
  })
})

describe("a page to write into", () => {
  const fill = (storage: Storage, pageNo: number, value: number) => {
    const written = storage.newPage()
    written.fill(value)
    storage.write(pageNo, written)
    return written
  }

  test("is one that was replaced, but only once nothing shows its content any more (I6)", () => {
    const storage = new Storage([page(1)])
    const first = fill(storage, 1, 2)
    storage.takeChanges()
    const second = fill(storage, 1, 3)
    const third = fill(storage, 1, 4)
    expect([second === first, third === first, fill(storage, 1, 5) === second]).toEqual([false, false, true])
    storage.takeChanges()
    fill(storage, 1, 5)
    fill(storage, 1, 6)
    expect([first, third]).toContain(fill(storage, 1, 7))
    // What was shown is compared with what is there now.
    expect([...storage.takeChanges()]).toEqual([1])
    expect(storage.page(1)?.[0]).toBe(7)
  })

  test("is kept for later up to a megabyte of them", () => {
    const storage = new Storage()
    for (let round = 1; round <= 2; round++) {
      for (let pageNo = 1; pageNo <= 300; pageNo++) fill(storage, pageNo, round)
      storage.takeChanges()
    }
    const pages = new Set(Array.from({ length: 300 }, () => storage.newPage()))
    const kept = [...pages].filter((one) => one[0] === 1).length
    expect([pages.size, kept]).toEqual([300, 256])
  })

  test("is never one of the base, of a snapshot, or of the overlay", () => {
    const storage = new Storage()
    for (let round = 1; round <= 5; round++) {
      for (let pageNo = 1; pageNo <= 3; pageNo++) fill(storage, pageNo, round)
      for (let pageNo = 1; pageNo <= 3; pageNo++) fill(storage, pageNo, round + 100)
      const snapshot = storage.snapshot()
      const before = Array.from(snapshot, ([value]) => value)
      storage.commit()
      storage.takeChanges()
      for (let i = 0; i < 10; i++) storage.newPage().fill(0)
      expect(Array.from(snapshot, ([value]) => value)).toEqual(before)
      expect(Array.from(storage.snapshot(), ([value]) => value)).toEqual([round + 100, round + 100, round + 100])
    }
  })
})
