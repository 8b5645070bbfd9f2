import { deflateSync, inflateSync } from "fflate"

/**
 * Raw DEFLATE (RFC 1951), whole in one call. What one deflater wrote every other one reads. Inflating throws when the bytes
 * are malformed, or become more than `bytesMax`.
 */
export interface Deflater {
  deflate(bytes: Uint8Array): Uint8Array
  inflate(deflated: Uint8Array, bytesMax: number): Uint8Array
  /** The same beside the caller's event loop, for many pages at once. Absent: in it, at once. */
  deflateAside?(bytes: Uint8Array): Promise<Uint8Array>
  inflateAside?(deflated: Uint8Array, bytesMax: number): Promise<Uint8Array>
}

/** In JavaScript, for platforms without one of their own. */
const portable: Deflater = {
  deflate: (bytes) => deflateSync(bytes, { level: 6 }),
  inflate: (deflated, bytesMax) => {
    // One byte more, so that a longer result shows; the inflater never grows a given buffer.
    const inflated = inflateSync(deflated, { out: new Uint8Array(bytesMax + 1) })
    return inflated.slice()
  },
}

let deflater = portable

/** Replaces what the platform has of its own in this process; null: all of it is the portable deflater's again. */
export function useDeflater(own: Partial<Deflater> | null): void {
  deflater = { ...portable, ...own }
}

export function deflate(bytes: Uint8Array): Uint8Array {
  return deflater.deflate(bytes)
}

export function inflate(deflated: Uint8Array, bytesMax: number): Uint8Array {
  return deflater.inflate(deflated, bytesMax)
}

export async function deflateAside(bytes: Uint8Array): Promise<Uint8Array> {
  return deflater.deflateAside === undefined ? deflater.deflate(bytes) : await deflater.deflateAside(bytes)
}

export async function inflateAside(deflated: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  if (deflater.inflateAside === undefined) return deflater.inflate(deflated, bytesMax)
  return await deflater.inflateAside(deflated, bytesMax)
}
