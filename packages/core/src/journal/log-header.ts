import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { hash64, pageChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"

// How a log begins: u32 magic, u32 format, u32 body bytes; body; u64 hash of all these. Its live records follow as one group.
// Body: uint generation, uint live bytes, u8 kind of checkpoint; unless that is 0: meta, uint page count, u64 pages'
// checksum; if it is 2: uint main generation. Format 2 is format 1 with that last kind, and is written only for it:
// a log that keeps its own checkpoint can still be read by code from before there was a format 2.
const MAGIC = 0x3148_4c6c // "lLH1"
const FORMAT_OWN_MAIN = 1
const FORMAT = 2
const FIXED_BYTES = 12
const HASH_BYTES = 8

const CHECKPOINT_NONE = 0
const CHECKPOINT_OWN = 1
const CHECKPOINT_EARLIER = 2

/** What a log says about the checkpoint under it. */
export interface CheckpointStamp {
  readonly meta: Uint8Array
  readonly pageCount: number
  readonly pagesChecksum: bigint
  /** The earlier generation that wrote the pages. Absent: this log's own. */
  readonly mainGeneration?: number
}

export interface LogHeader {
  /** From 1; every rollup begins a new one, and so does an owner that takes over from one that did not close. */
  readonly generation: number
  /** Null before the first rollup. */
  readonly checkpoint: CheckpointStamp | null
  /** Bytes of the live records that follow: synced before the log got its name, so never a torn tail. */
  readonly liveBytes: number
}

/** Xor of the pages' shares, as `pageChecksum` has them. */
export function pagesChecksum(pages: readonly Uint8Array[], firstPageNo = 1): bigint {
  let sum = 0n
  for (let i = 0; i < pages.length; i++) sum ^= pageChecksum(firstPageNo + i, pages[i])
  return sum
}

export function encodeLogHeader({ generation, liveBytes, checkpoint }: LogHeader): Uint8Array {
  const mainGeneration = checkpoint?.mainGeneration
  const kind =
    checkpoint === null ? CHECKPOINT_NONE : mainGeneration === undefined ? CHECKPOINT_OWN : CHECKPOINT_EARLIER
  const body = new ByteWriter()
  body.uint(generation).uint(liveBytes).u8(kind)
  if (checkpoint !== null) body.bytes(checkpoint.meta).uint(checkpoint.pageCount).u64(checkpoint.pagesChecksum)
  if (mainGeneration !== undefined) body.uint(mainGeneration)
  const all = new ByteWriter(FIXED_BYTES + body.length + HASH_BYTES)
  all.u32(MAGIC).u32(kind === CHECKPOINT_EARLIER ? FORMAT : FORMAT_OWN_MAIN)
  all.u32(body.length).raw(body.finish())
  return all.u64(hash64(all.finish())).finish()
}

/** The header at the start of `bytes`, and where it ends. @throws LOG_CORRUPT, LOG_FORMAT_NEWER */
export function decodeLogHeader(bytes: Uint8Array): { readonly header: LogHeader; readonly endAt: number } {
  if (bytes.length < FIXED_BYTES + HASH_BYTES) throw damaged("ends early")
  const fixed = new ByteReader(bytes)
  if (fixed.u32() !== MAGIC) throw damaged("does not begin as one of lf")
  const format = fixed.u32()
  const bodyBytes = fixed.u32()
  if (bodyBytes > fixed.remaining - HASH_BYTES) throw damaged("ends early")
  const body = fixed.raw(bodyBytes)
  const hashedBytes = fixed.offset
  if (fixed.u64() !== hash64(bytes.subarray(0, hashedBytes))) throw damaged("fails its checksum")
  if (format > FORMAT) throw new LfError("LOG_FORMAT_NEWER", `log of format ${format}, this code reads ${FORMAT}`)
  return { header: readBody(body), endAt: fixed.offset }
}

function readBody(bytes: Uint8Array): LogHeader {
  try {
    const body = new ByteReader(bytes)
    const generation = body.uint()
    const liveBytes = body.uint()
    const checkpoint = readStamp(body, generation)
    body.end()
    return { generation, liveBytes, checkpoint }
  } catch (cause) {
    throw damaged("does not parse", cause)
  }
}

function readStamp(body: ByteReader, generation: number): CheckpointStamp | null {
  const kind = body.u8()
  if (kind === CHECKPOINT_NONE) return null
  if (kind > CHECKPOINT_EARLIER) throw damaged(`has a checkpoint of kind ${kind}`)
  const own = { meta: body.bytes().slice(), pageCount: body.uint(), pagesChecksum: body.u64() }
  if (kind === CHECKPOINT_OWN) return own
  const mainGeneration = body.uint()
  if (mainGeneration >= generation) throw damaged(`is of generation ${generation}, its main of ${mainGeneration}`)
  return { ...own, mainGeneration }
}

function damaged(what: string, cause?: unknown): LfError {
  return new LfError("LOG_CORRUPT", `the log's header ${what}`, { cause })
}
