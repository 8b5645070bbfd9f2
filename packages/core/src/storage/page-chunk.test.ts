import { afterEach, describe, expect, test } from "vitest"
import { deflate, useDeflater } from "../base/deflate.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { CHUNK_PAGES, decodeChunk, encodeChunk } from "./page-chunk.ts"

afterEach(() => useDeflater(null))

const page = (fill: number): Page => new Uint8Array(PAGE_BYTES).fill(fill)
const noise = (seed: number): Page => new SeededRandom(seed).bytes(PAGE_BYTES)
const malformed = expect.objectContaining({ code: "BYTES_MALFORMED" })
const settled = () => new Promise((resolve) => setTimeout(resolve))

describe("a chunk", () => {
  test("is compressed once however many ask, and comes back page by page", async () => {
    let count = 0
    useDeflater({
      deflateAside: async (bytes) => {
        count++
        return deflate(bytes)
      },
    })
    const chunk = [page(1), page(2), page(3)]
    const [first, second] = await Promise.all([encodeChunk(chunk), encodeChunk(chunk)])
    expect([count, first === second, first.length < 200]).toEqual([1, true, true])
    const pages = await decodeChunk(first, 3)
    expect(pages).toEqual(chunk)
    expect(new Set(pages.map(({ buffer }) => buffer)).size).toBe(1)
  })

  test("that does not compress is its pages, in memory of their own", async () => {
    const chunk = [noise(1), noise(2)]
    const block = await encodeChunk(chunk)
    expect(block.length).toBe(2 * PAGE_BYTES)
    const pages = await decodeChunk(block, 2)
    block.fill(0)
    expect(pages).toEqual(chunk)
  })

  test("of no pages is nothing", async () => {
    expect(await decodeChunk(await encodeChunk([]), 0)).toEqual([])
  })

  test("that is no deflate, or of another size, is refused; a bomb is not inflated past its pages (S10, S11)", async () => {
    const bomb = deflate(new Uint8Array(CHUNK_PAGES * PAGE_BYTES * 16))
    for (const block of [Uint8Array.of(255, 255, 255), deflate(page(1)), deflate(new Uint8Array(3 * PAGE_BYTES)), bomb])
      await expect(decodeChunk(block, 2)).rejects.toThrow(malformed)
    useDeflater({ inflateAside: async () => new Uint8Array(1) })
    await expect(decodeChunk(deflate(page(1)), 1)).rejects.toThrow(malformed)
  })

  test("is tried again after its compression failed", async () => {
    const chunk = [page(1)]
    useDeflater({ deflateAside: () => Promise.reject(new Error("no memory")) })
    await expect(encodeChunk(chunk)).rejects.toThrow("no memory")
    await settled()
    useDeflater(null)
    expect(await decodeChunk(await encodeChunk(chunk), 1)).toEqual(chunk)
  })
})

test("two chunks at most are compressed at once, however many are asked for (I17)", async () => {
  const ends: (() => void)[] = []
  useDeflater({
    deflateAside: async (bytes) => {
      await new Promise<void>((resolve) => ends.push(resolve))
      return deflate(bytes)
    },
  })
  const blocks = Promise.all([1, 2, 3, 4, 5].map((fill) => encodeChunk([page(fill)])))
  const counts: number[] = []
  for (let done = 0; done < 5; done++) {
    await settled()
    counts.push(ends.length)
    ends[done]()
  }
  expect(counts).toEqual([2, 3, 4, 5, 5])
  expect(await blocks).toHaveLength(5)
})
