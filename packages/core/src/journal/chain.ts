import { assert } from "../base/assert.ts"
import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { chainHash } from "../base/checksum.ts"
import { LSN_ZERO, type Lsn, lsn, lsnAfter, nextLsn } from "../base/lsn.ts"
import { type Batch, entryCostBytes } from "./batch.ts"
import type { LogRecord } from "./log.ts"

export type WriteResult =
  | { readonly type: "written"; readonly lsn: Lsn }
  | { readonly type: "gap"; readonly expected: Lsn }
  | { readonly type: "fork"; readonly common: Lsn }

/** Keeps what a chain appends. `admit` throws when nothing more may be appended. */
export interface ChainKeeper {
  admit(): void
  keep(record: LogRecord): void
}

/** The bytes under a Journal: entries after `start()`, each with the hash of everything up to it. */
export class Chain {
  readonly stream: string
  readonly #keeper: ChainKeeper | null
  #start: Lsn
  /** Hashes may be known from further back than entries: they show a clone where it diverged (T1). */
  #hashStart: Lsn
  /** At index #hashesPassed + i the hash at #hashStart + i; the last one is that of the last entry. */
  #hashes: bigint[]
  /** Hashes before #hashStart that are not cut off yet: cutting at each rollup would copy the rest each time. */
  #hashesPassed = 0
  #entries: Uint8Array[] = []
  #bytes = 0
  #isRetired = false

  /** `hashes` are those up to `start`, itself included. */
  constructor(
    stream: string,
    keeper: ChainKeeper | null = null,
    start: Lsn = LSN_ZERO,
    hashes: readonly bigint[] = [0n],
  ) {
    this.stream = stream
    this.#keeper = keeper
    this.#start = start
    this.#hashStart = lsn(start - (hashes.length - 1))
    this.#hashes = [...hashes]
  }

  start(): Lsn {
    return this.#start
  }

  lsn(): Lsn {
    return lsnAfter(this.#start, this.#entries.length)
  }

  hash(): bigint {
    return this.#hashes[this.#hashes.length - 1]
  }

  hashAt(position: Lsn): bigint | undefined {
    return position < this.#hashStart ? undefined : this.#hashes[this.#hashesPassed + position - this.#hashStart]
  }

  /** From here on every hash is known. */
  hashStart(): Lsn {
    return this.#hashStart
  }

  /** Of the entries that are held. */
  get bytes(): number {
    return this.#bytes
  }

  entryBytes(position: Lsn): Uint8Array {
    assert(position > this.#start && position <= this.lsn(), `${this.stream} holds an entry ${position}`)
    return this.#entries[position - this.#start - 1]
  }

  append(bytes: Uint8Array): Lsn {
    assert(!this.#isRetired, `the dropped stream ${this.stream} is not appended to`)
    this.#keeper?.admit()
    const previousHash = this.hash()
    const hash = chainHash(previousHash, bytes)
    this.load(bytes, hash)
    this.#keeper?.keep({ stream: this.stream, lsn: this.lsn(), type: "entry", payload: bytes, previousHash, hash })
    return this.lsn()
  }

  /** Takes an entry that is at rest already; the caller has checked its place and `hash`. */
  load(bytes: Uint8Array, hash: bigint): void {
    this.#entries.push(bytes)
    this.#bytes += bytes.length
    this.#hashes.push(hash)
  }

  write(batch: Batch): WriteResult {
    const last = this.lsn()
    if (batch.from > last) return { type: "gap", expected: last }
    // Where not even the batch's first known hash is ours, only what is rolled up here is trusted to be common.
    const trusted = lsn(Math.min(batch.from, this.#start))
    if (batch.from >= this.#hashStart && this.hashAt(batch.from) !== batch.previousHash)
      return { type: "fork", common: trusted }
    // None of it can be compared any more: an acknowledgement would be a guess, and could lose it.
    if (batch.from + batch.entries.length < this.#hashStart) return { type: "fork", common: trusted }
    let position = batch.from
    let hash = batch.previousHash
    for (const bytes of batch.entries) {
      position = nextLsn(position)
      if (position > last) {
        this.append(ownBytes(bytes))
        continue
      }
      hash = chainHash(hash, bytes)
      const known = this.hashAt(position)
      if (known !== undefined && known !== hash)
        return { type: "fork", common: position > this.#hashStart ? lsn(position - 1) : trusted }
    }
    return { type: "written", lsn: this.lsn() }
  }

  read(from: Lsn, maxBytes: number): Batch {
    const previousHash = this.hashAt(from)
    assert(
      previousHash !== undefined,
      `${this.stream} is read from between ${this.#start} and ${this.lsn()}, not ${from}`,
    )
    const first = from - this.#start
    let end = first
    let bytes = 0
    while (end < this.#entries.length) {
      bytes += entryCostBytes(this.#entries[end])
      if (bytes > maxBytes && end > first) break
      end++
    }
    return { from, previousHash, entries: this.#entries.slice(first, end) }
  }

  /** Drops the entries up to `to`; of the hashes before it `hashesKept` stay. */
  rollup(to: Lsn, hashesKept = 0): void {
    assert(to >= this.#start && to <= this.lsn(), `${this.stream} rolls up to an entry that it has, not ${to}`)
    for (const entry of this.#entries.splice(0, to - this.#start)) this.#bytes -= entry.length
    const hashStart = lsn(Math.max(this.#hashStart, to - hashesKept))
    this.#hashesPassed += hashStart - this.#hashStart
    this.#hashStart = hashStart
    if (this.#hashesPassed > this.#hashes.length / 2) this.#cutHashes()
    this.#start = to
  }

  #cutHashes(): void {
    this.#hashes = this.#hashes.slice(this.#hashesPassed)
    this.#hashesPassed = 0
  }

  /** Its stream was dropped: nothing may be appended any more. */
  retire(): void {
    this.#isRetired = true
  }

  /** All of it as records, the first an anchor if anything was rolled up. */
  records(): LogRecord[] {
    this.#cutHashes()
    const records: LogRecord[] = []
    const stream = this.stream
    const first = this.#start - this.#hashStart
    const hashes = this.#hashes
    if (this.#start > 0) records.push(anchorRecord(stream, this.#start, hashes[first], hashes.slice(0, first)))
    this.#entries.forEach((payload, i) => {
      const at = lsnAfter(this.#start, i + 1)
      const previousHash = hashes[first + i]
      records.push({ stream, lsn: at, type: "entry", payload, previousHash, hash: hashes[first + i + 1] })
    })
    return records
  }
}

/** `hashesBefore` are those of the entries just before `at` that are still known. */
export function anchorRecord(stream: string, at: Lsn, hash: bigint, hashesBefore: readonly bigint[] = []): LogRecord {
  const payload = new ByteWriter(8 * hashesBefore.length)
  for (const before of hashesBefore) payload.u64(before)
  return { stream, lsn: at, type: "anchor", payload: payload.finish(), previousHash: hash, hash }
}

/** The hashes that an anchor holds, its own last; undefined where they cannot be. */
export function anchorHashes({ lsn: at, payload, hash }: LogRecord): bigint[] | undefined {
  if (payload.length % 8 !== 0 || payload.length / 8 > at) return undefined
  const reader = new ByteReader(payload)
  const hashes: bigint[] = []
  while (reader.remaining > 0) hashes.push(reader.u64())
  hashes.push(hash)
  return hashes
}

/** A copy where `bytes` is a view, so that one entry does not hold a whole frame in memory. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}
