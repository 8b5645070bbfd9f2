import type { Deflater } from "@lf/core/internal"

/** Many pages at once are inflated by the browser itself, where it can; for single ones JavaScript is sooner done. */
export function streamInflater(): Partial<Deflater> | null {
  return typeof DecompressionStream === "function" ? { inflateAside: inflate } : null
}

async function inflate(deflated: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  const inflated = new Uint8Array(bytesMax)
  let length = 0
  const input = new Blob([deflated as Uint8Array<ArrayBuffer>]) // not shared: it came from a socket
  const reader = input.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return inflated.subarray(0, length)
    if (length + value.length > bytesMax) {
      await reader.cancel()
      throw new RangeError(`expected at most ${bytesMax} bytes, got more`)
    }
    inflated.set(value, length)
    length += value.length
  }
}
