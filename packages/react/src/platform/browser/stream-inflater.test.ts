import { deflate, inflateAside, useDeflater } from "@lf/core/testing"
import { afterEach, expect, test, vi } from "vitest"
import { streamInflater } from "./stream-inflater.ts"

afterEach(() => {
  useDeflater(null)
  vi.unstubAllGlobals()
})

const pages = Uint8Array.from({ length: 64 * 4096 }, (_, i) => (i * i) % 97)

test("many pages pass through the browser's stream, with the same result", async () => {
  const made = vi.fn()
  vi.stubGlobal(
    "DecompressionStream",
    class extends DecompressionStream {
      constructor(format: CompressionFormat) {
        super(format)
        made(format)
      }
    },
  )
  useDeflater(streamInflater())
  expect(await inflateAside(deflate(pages), pages.length)).toEqual(pages)
  expect(made).toHaveBeenCalledExactlyOnceWith("deflate-raw")
})

test("bytes that are none, too many, or followed by others are refused (S9)", async () => {
  useDeflater(streamInflater())
  const deflated = deflate(pages)
  await expect(inflateAside(Uint8Array.of(255, 255), 4096)).rejects.toThrow()
  await expect(inflateAside(deflated, 4096)).rejects.toThrow("at most 4096")
  await expect(inflateAside(deflated.subarray(0, 100), pages.length)).rejects.toThrow()
})

test("a browser without the stream has the portable inflater", async () => {
  vi.stubGlobal("DecompressionStream", undefined)
  useDeflater(streamInflater())
  expect(await inflateAside(deflate(pages), pages.length)).toEqual(pages)
})
