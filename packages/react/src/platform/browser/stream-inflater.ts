import { useDeflater } from "@lf/core/internal"

/** Many pages are inflated by the browser's own threads where it can; single ones stay in JavaScript, which is sooner done. */
export function useStreamInflater(): void {
  if (typeof DecompressionStream === "function") useDeflater({ inflateAside: inflate })
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
