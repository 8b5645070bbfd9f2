import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { concatBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { deflate } from "../base/deflate.ts"
import { lsn } from "../base/lsn.ts"
import { pagesChecksum } from "../journal/log-header.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { chunksAfter, FirstSync } from "./first-sync.ts"
import type { Chunk } from "./message.ts"

beforeAll(loadChecksum)

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill)
const malformed = expect.objectContaining({ code: "FRAME_MALFORMED" })

/** The part of a snapshot of these pages with those from `pageNo` on. */
function part(pages: readonly Page[], pageNo: number, count: number, more: Partial<Chunk> = {}): Chunk {
  return {
    type: "chunk",
    from: lsn(0),
    to: lsn(5),
    pageCount: pages.length,
    checksum: pagesChecksum(pages),
    isLast: pageNo + count > pages.length,
    bytesTotal: 100,
    pageNo,
    count,
    block: count === 0 ? new Uint8Array(0) : deflate(concatBytes(pages.slice(pageNo - 1, pageNo - 1 + count))),
    outcomes: [],
    ...more,
  }
}

const four = [page(1), page(2), page(3), page(4)]
let sync: FirstSync
beforeEach(() => {
  sync = new FirstSync()
  sync.begin("e")
})
const take = async (...parts: Chunk[]) => {
  for (const one of parts) expect(await sync.take(one, 10)).toBe(true)
}
const resume = (epoch = "e") => {
  const { resumeLsn, resumePages } = sync.begin(epoch)
  return [resumeLsn, resumePages]
}
/** The base that the last part ends, and whether it adds up. */
const end = (last: Chunk) => {
  const { table, pageCount, checksum } = sync.end(last)
  return [[...table.snapshot()], table.pageCount === pageCount && table.checksum === checksum]
}

describe("a first sync", () => {
  test("is the base that its parts make, and nothing stays behind", async () => {
    const [first, last] = [part(four, 1, 3), part(four, 4, 1)]
    await take(first, last)
    expect(end(last)).toEqual([four, true])
    expect([resume(), sync.progress]).toEqual([[0, 0], { bytes: 0, bytesTotal: 0 }])
  })

  test("says what it has when its connection was cut, and begins anew where the server does", async () => {
    expect(resume()).toEqual([0, 0])
    await take(part(four, 1, 2))
    expect(resume()).toEqual([5, 2])
    const now = [page(7), page(8)]
    await take(part(now, 1, 1, { to: lsn(9) }))
    expect(resume()).toEqual([9, 1])
  })

  test("gets what it lacks and what has changed, of a snapshot with more pages", async () => {
    await take(part(four, 1, 2))
    resume()
    const now = [page(1), page(9), page(3), page(4), page(5)]
    const more = { from: lsn(5), to: lsn(8) }
    const parts = [part(now, 2, 1, more), part(now, 3, 2, more), part(now, 5, 1, more)]
    await take(...parts)
    expect(end(parts[2])).toEqual([now, true])
  })

  test("gets one with fewer pages than it has", async () => {
    await take(part(four, 1, 3))
    resume()
    const now = [page(1), page(9)]
    const last = part(now, 2, 1, { from: lsn(5), to: lsn(8) })
    await take(last)
    expect(end(last)).toEqual([now, true])
  })

  test("that has everything gets one part without pages", async () => {
    await take(part(four, 1, 4, { isLast: false }))
    expect(resume()).toEqual([5, 4])
    const last = part(four, 0, 0, { from: lsn(5), isLast: true })
    await take(last)
    expect(end(last)).toEqual([four, true])
  })

  test("cut again among changed pages is where it was; past them it is further", async () => {
    await take(part(four, 1, 3))
    resume()
    const now = [page(7), page(2), page(8), page(9), page(10)]
    const more = { from: lsn(5), to: lsn(8) }
    await take(part(now, 1, 1, more))
    expect(resume()).toEqual([5, 3])
    await take(part(now, 1, 1, more), part(now, 3, 1, more))
    expect(resume()).toEqual([8, 3])
    await take(part(now, 4, 1, { from: lsn(8), to: lsn(8) }))
    expect(resume()).toEqual([8, 4])
    const last = part(now, 5, 1, { from: lsn(8), to: lsn(8) })
    await take(last)
    expect(end(last)).toEqual([now, true])
  })

  test("is dropped by another epoch (T2)", async () => {
    await take(part(four, 1, 3))
    expect(resume("f")).toEqual([0, 0])
    expect(resume("e")).toEqual([0, 0])
  })

  test("drops what an earlier connection inflates when the next one has begun", async () => {
    const late = sync.take(part(four, 1, 3), 10)
    resume()
    expect([await late, resume()]).toEqual([false, [0, 0]])
  })

  test("counts the bytes of all its connections, and takes the server's newest estimate", async () => {
    await take(part(four, 1, 1), part(four, 2, 1, { bytesTotal: 60 }))
    expect(sync.progress).toEqual({ bytes: 20, bytesTotal: 60 })
    resume()
    expect(sync.progress).toEqual({ bytes: 20, bytesTotal: 20 })
    await take(part(four, 3, 1, { from: lsn(5), bytesTotal: 40 }))
    expect(sync.progress).toEqual({ bytes: 30, bytesTotal: 60 })
    await take(part(four, 4, 1, { from: lsn(5), bytesTotal: 1 }))
    expect(sync.progress).toEqual({ bytes: 40, bytesTotal: 40 })
  })
})

describe("parts that are no snapshot together are refused, and what was here stays (S11)", () => {
  const refuses = async (wrong: Chunk, code = malformed) => {
    const before = sync.progress
    await expect(sync.take(wrong, 10)).rejects.toThrow(code)
    expect(sync.progress).toEqual(before)
  }

  test("at the first one: from where nothing is, with a gap, with nothing", async () => {
    await refuses(part(four, 1, 1, { from: lsn(1) }))
    await refuses(part(four, 2, 1))
    await refuses(part(four, 0, 0, { isLast: false }))
    await take(part(four, 1, 2))
    resume()
    await refuses(part(four, 3, 1, { from: lsn(4) }))
    await refuses(part(four, 4, 1, { from: lsn(5) }))
    await refuses(part(four, 3, 1))
    expect(resume()).toEqual([5, 2])
  })

  test("later: twice, with a gap, of another snapshot", async () => {
    await take(part(four, 1, 2))
    await refuses(part(four, 1, 2))
    await refuses(part(four, 2, 2))
    await refuses(part(four, 4, 1))
    for (const other of [{ from: lsn(5) }, { to: lsn(6) }, { pageCount: 5 }, { checksum: 1n }])
      await refuses(part(four, 3, 1, other))
    expect(resume()).toEqual([5, 2])
  })

  test("with bytes that are no pages", async () => {
    const bytes = expect.objectContaining({ code: "BYTES_MALFORMED" })
    await refuses(part(four, 1, 1, { block: Uint8Array.of(255) }), bytes)
    await refuses(part(four, 1, 1, { block: deflate(new Uint8Array(9 * PAGE_BYTES)) }), bytes)
    expect(resume()).toEqual([0, 0])
  })
})

test("as many chunks may follow as the rest of the pages fills", () => {
  const at = (pageNo: number, count: number, pageCount: number) =>
    chunksAfter({ ...part(four, 1, 1), pageNo, count, pageCount })
  expect([at(1, 64, 64), at(1, 64, 65), at(65, 64, 256), at(0, 0, 9)]).toEqual([0, 1, 2, 0])
})
