import { deflateSync, inflateSync } from "fflate"

/** Raw DEFLATE (RFC 1951), whole in one call. What one deflater wrote every other one reads. */
export interface Deflater {
  deflate(bytes: Uint8Array): Uint8Array
  /** Throws when the bytes are malformed, or become more than `bytesMax`. */
  inflate(deflated: Uint8Array, bytesMax: number): Uint8Array
}

/** In JavaScript, for platforms without a synchronous one of their own. */
const portable: Deflater = {
  deflate: (bytes) => deflateSync(bytes, { level: 6 }),
  inflate: (deflated, bytesMax) => {
    // One byte more, so that a longer result shows; the inflater never grows a given buffer.
    const inflated = inflateSync(deflated, { out: new Uint8Array(bytesMax + 1) })
    return inflated.slice()
  },
}

let deflater = portable

/** Replaces the deflater of this process by the platform's own; null: the portable one again. */
export function useDeflater(own: Deflater | null): void {
  deflater = own ?? portable
}

export function deflate(bytes: Uint8Array): Uint8Array {
  return deflater.deflate(bytes)
}

export function inflate(deflated: Uint8Array, bytesMax: number): Uint8Array {
  return deflater.inflate(deflated, bytesMax)
}
