import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { hash64, pageChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"

// How a log begins: u32 magic, u32 format, u32 body bytes; body; u64 hash of all these. Its live records follow as one group.
const MAGIC = 0x3148_4c6c // "lLH1"
const FORMAT = 1
const FIXED_BYTES = 12
const HASH_BYTES = 8

export interface LogHeader {
  /** From 1; every rollup begins a new one. */
  readonly generation: number
  /** Null before the first rollup. */
  readonly checkpoint: { readonly meta: Uint8Array; readonly pageCount: number; readonly pagesChecksum: bigint } | null
  /** Bytes of the live records that follow: synced before the log got its name, so never a torn tail. */
  readonly liveBytes: number
}

/** Xor of the pages' shares, as `pageChecksum` has them. */
export function pagesChecksum(pages: readonly Uint8Array[]): bigint {
  let sum = 0n
  for (let i = 0; i < pages.length; i++) sum ^= pageChecksum(i + 1, pages[i])
  return sum
}

export function encodeLogHeader(header: LogHeader): Uint8Array {
  const body = new ByteWriter()
  body
    .uint(header.generation)
    .uint(header.liveBytes)
    .u8(header.checkpoint === null ? 0 : 1)
  if (header.checkpoint !== null) {
    body.bytes(header.checkpoint.meta).uint(header.checkpoint.pageCount).u64(header.checkpoint.pagesChecksum)
  }
  const all = new ByteWriter(FIXED_BYTES + body.length + HASH_BYTES)
  all.u32(MAGIC).u32(FORMAT).u32(body.length).raw(body.finish())
  return all.u64(hash64(all.finish())).finish()
}

/** The header at the start of `bytes`, and where it ends. @throws LOG_CORRUPT, LOG_FORMAT_NEWER */
export function decodeLogHeader(bytes: Uint8Array): { readonly header: LogHeader; readonly endAt: number } {
  if (bytes.length < FIXED_BYTES + HASH_BYTES) throw damaged("ends early")
  const fixed = new ByteReader(bytes)
  if (fixed.u32() !== MAGIC) throw damaged("is not one")
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
    const hasCheckpoint = body.u8() === 1
    const checkpoint = hasCheckpoint
      ? { meta: body.bytes().slice(), pageCount: body.uint(), pagesChecksum: body.u64() }
      : null
    body.end()
    return { generation, liveBytes, checkpoint }
  } catch (cause) {
    throw damaged("does not parse", cause)
  }
}

function damaged(what: string, cause?: unknown): LfError {
  return new LfError("LOG_CORRUPT", `the log's header ${what}`, { cause })
}
