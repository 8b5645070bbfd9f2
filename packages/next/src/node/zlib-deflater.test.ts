import { deflate, inflate, useDeflater } from "@lf/core/testing"
import { afterEach, expect, test } from "vitest"
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
