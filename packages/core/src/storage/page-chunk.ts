import { deflateAside, inflateAside } from "../base/deflate.ts"
import { LfError, toLfError } from "../base/error.ts"
import { Semaphore } from "../base/wait.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"

/** Pages per chunk: 256 KiB, so that one that does not compress is a frame that a slow connection carries within a heartbeat. */
export const CHUNK_PAGES = 64

/** Consecutive pages that are shared and never written into: what was made of a chunk stays right for ever. */
export type PageChunk = readonly Page[]

/** How many chunks this process compresses at once: half of Node's threads, which its file system needs too. */
const COMPRESSIONS_MAX = 2

const compressions = new Semaphore(COMPRESSIONS_MAX)

/** The compressed bytes of chunks, made once however many readers fetch them; null: the pages themselves are not longer. */
const deflatedByChunk = new WeakMap<PageChunk, Promise<Uint8Array | null>>()

/** A chunk for the wire: raw deflate of its pages one after the other, or the pages where that is not shorter. */
export async function encodeChunk(chunk: PageChunk): Promise<Uint8Array> {
  let deflated = deflatedByChunk.get(chunk)
  if (deflated === undefined) {
    deflated = compressions.run(async () => {
      const block = await deflateAside(joined(chunk))
      return block.length < chunk.length * PAGE_BYTES ? block : null
    })
    deflatedByChunk.set(chunk, deflated)
    deflated.catch(() => deflatedByChunk.delete(chunk)) // the caller gets it, the next one tries again
  }
  return (await deflated) ?? joined(chunk)
}

/**
 * The `count` pages of a chunk: views of one piece of memory, which costs no copy of each.
 * @throws BYTES_MALFORMED
 */
export async function decodeChunk(block: Uint8Array, count: number): Promise<Page[]> {
  const bytes = await inflateBlock(block, count * PAGE_BYTES)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
}

async function inflateBlock(block: Uint8Array, length: number): Promise<Uint8Array> {
  // Memory of its own: the frame goes.
  if (block.length === length) return block.slice()
  try {
    const bytes = await inflateAside(block, length)
    if (bytes.length === length) return bytes
    throw new LfError("BYTES_MALFORMED", `expected a chunk of ${length} bytes, got ${bytes.length}`)
  } catch (error) {
    throw toLfError(error, "BYTES_MALFORMED")
  }
}

function joined(chunk: PageChunk): Uint8Array {
  const bytes = new Uint8Array(chunk.length * PAGE_BYTES)
  for (const [i, page] of chunk.entries()) bytes.set(page, i * PAGE_BYTES)
  return bytes
}
