import { deflate, deflateAside, inflate, inflateAside, useDeflater } from "@lf/core/testing"
import { afterEach, describe, expect, test } from "vitest"
import { zlibDeflater } from "./zlib-deflater.ts"

afterEach(() => useDeflater(null))

const page = Uint8Array.from({ length: 4096 }, (_, i) => (i * i) % 97)

test("what one deflater writes the other reads, in both directions", () => {
  const portable = deflate(page)
  useDeflater(zlibDeflater)
  const own = deflate(page)
  expect(inflate(portable, 4096)).toEqual(page)
  useDeflater(null)
  expect(inflate(own, 4096)).toEqual(page)
})

test.each([
  ["the portable one", null],
  ["zlib", zlibDeflater],
])("%s gives up at more bytes than it may make, and at bytes that are none of its own", (_name, deflater) => {
  useDeflater(deflater)
  const bomb = deflate(new Uint8Array(1024 * 1024))
  expect(() => {
    if (inflate(bomb, 4096).length > 4096) throw new Error("too many")
  }).toThrow()
  expect(() => inflate(Uint8Array.of(255, 255, 255), 4096)).toThrow()
})

test("an inflated page owns its memory", () => {
  useDeflater(zlibDeflater)
  expect(inflate(deflate(page), 4096).buffer.byteLength).toBe(4096)
})

describe("many pages at once", () => {
  const pages = Uint8Array.from({ length: 64 * 4096 }, (_, i) => (i * i) % 97)

  test("are the same bytes beside the event loop, by either deflater", async () => {
    const portable = await deflateAside(pages)
    useDeflater(zlibDeflater)
    const own = await deflateAside(pages)
    expect([await inflateAside(portable, pages.length), await inflateAside(own, pages.length)]).toEqual([pages, pages])
    useDeflater(null)
    expect(await inflateAside(own, pages.length)).toEqual(pages)
  })

  test("leave the event loop free, and are inflated into one piece of memory", async () => {
    useDeflater(zlibDeflater)
    let isFree = false
    setImmediate(() => {
      isFree = true
    })
    const inflated = await inflateAside(await deflateAside(pages), pages.length)
    expect(isFree).toBe(true)
    expect(inflated.buffer.byteLength).toBeLessThan(pages.length + 1024)
  })

  test("that are none, or more than may be, are refused (S9)", async () => {
    useDeflater(zlibDeflater)
    await expect(inflateAside(Uint8Array.of(255, 255), 4096)).rejects.toThrow()
    await expect(inflateAside(await deflateAside(pages), 4096)).rejects.toThrow()
  })
})
