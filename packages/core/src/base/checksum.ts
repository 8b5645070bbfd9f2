import xxhash, { type XXHashAPI } from "xxhash-wasm"
import { assert } from "./assert.ts"

let api: XXHashAPI | undefined

/** Loads the hash (4 KB of wasm). Await it once before anything else of core; later calls are free. */
export async function loadChecksum(): Promise<void> {
  api ??= await xxhash()
}

/** XXH64 of `bytes`: 64 bits against accidents, not against an adversary. */
export function hash64(bytes: Uint8Array, seed = 0n): bigint {
  assert(api !== undefined, "loadChecksum() must be awaited before the first hash")
  return api.h64Raw(bytes, seed)
}

/** The next link of a hash chain: depends on every entry before it and on their order. */
export function chainHash(previous: bigint, entry: Uint8Array): bigint {
  return hash64(entry, previous)
}

/** One page's share of a database checksum: the whole is the xor of all shares. `pageNo` from 1. */
export function pageChecksum(pageNo: number, page: Uint8Array): bigint {
  return hash64(page, BigInt(pageNo))
}
