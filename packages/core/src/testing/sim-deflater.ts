import { type Deflater, deflate, inflate } from "../base/deflate.ts"
import type { SimWorld } from "./sim-world.ts"

/** Compresses and inflates chunks in virtual time: connections, processes and snapshots change meanwhile. */
export function slowDeflater({ random, clock, climate }: SimWorld): Partial<Deflater> {
  const own = random.fork()
  const done = async (bytes: Uint8Array) => {
    await clock.sleep(own.between(0, climate.deflateMsMax))
    return bytes
  }
  return {
    deflateAside: (bytes) => done(deflate(bytes)),
    inflateAside: async (deflated, bytesMax) => await done(inflate(deflated, bytesMax)),
  }
}
