import { type Lsn, lsn, nextLsn } from "../base/lsn.ts"
import type { Batch } from "./batch.ts"
import type { Chain, WriteResult } from "./chain.ts"

export type { WriteResult } from "./chain.ts"

/** The bytes that `encode` returns are never changed afterwards. */
export interface EntryCodec<T> {
  encode(entry: T): Uint8Array
  decode(bytes: Uint8Array): T
}

/**
 * An ordered log of entries, 1, 2, 3 …, chained by hashes so that two journals can find where they differ. What it
 * appends is durable after its Streams' next flush.
 */
export class Journal<T> {
  readonly #chain: Chain
  readonly #codec: EntryCodec<T>
  readonly #decoded = new Map<Lsn, T>()

  constructor(chain: Chain, codec: EntryCodec<T>) {
    this.#chain = chain
    this.#codec = codec
  }

  get stream(): string {
    return this.#chain.stream
  }

  /** The last entry's position; 0 when there never was one. */
  lsn(): Lsn {
    return this.#chain.lsn()
  }

  hash(): bigint {
    return this.#chain.hash()
  }

  /** Entries up to here are rolled up. */
  start(): Lsn {
    return this.#chain.start()
  }

  /** From here on every hash is known. */
  hashStart(): Lsn {
    return this.#chain.hashStart()
  }

  /** Bytes of the entries that are held. */
  get bytes(): number {
    return this.#chain.bytes
  }

  /** The chain hash at `position`; known from `start()`, or before it where a rollup kept some, to `lsn()`. */
  hashAt(position: Lsn): bigint | undefined {
    return this.#chain.hashAt(position)
  }

  /** @throws LOG_FAILED, LOG_FULL, LOG_CLOSED when its Streams can keep nothing more; then nothing was appended */
  append(entry: T): Lsn {
    const position = this.#chain.append(this.#codec.encode(entry))
    this.#decoded.set(position, entry)
    return position
  }

  /**
   * Merges what another journal gave, any number of times: the overlap is compared at every entry and trimmed, the rest
   * appended. A gap says from where to send, a fork the last common position. Where the difference lies at or before
   * the first position that can be compared, or nothing can be, `common` is what is trusted without proof: the smaller
   * of `batch.from` and `start()`. Nothing is appended on a gap or fork (T1, T4).
   */
  write(batch: Batch): WriteResult {
    return this.#chain.write(batch)
  }

  /** Entries after `from`, which lies between `start()` and `lsn()`: as many as fit, and at least one if there is any. */
  read(from: Lsn, maxBytes: number): Batch {
    return this.#chain.read(from, maxBytes)
  }

  entry(position: Lsn): T {
    const known = this.#decoded.get(position)
    if (known !== undefined) return known
    const entry = this.#codec.decode(this.#chain.entryBytes(position))
    this.#decoded.set(position, entry)
    return entry
  }

  entryBytes(position: Lsn): Uint8Array {
    return this.#chain.entryBytes(position)
  }

  *iter(): IterableIterator<{ lsn: Lsn; entry: T }> {
    for (let at = nextLsn(this.start()); at <= this.lsn(); at = nextLsn(at)) yield { lsn: at, entry: this.entry(at) }
  }

  *iterBackwards(): IterableIterator<{ lsn: Lsn; entry: T }> {
    for (let at = this.lsn(); at > this.start(); at = lsn(at - 1)) yield { lsn: at, entry: this.entry(at) }
  }

  /**
   * Drops the entries up to `to` from memory, after `merge` has seen them; `hashesKept` of their hashes stay. At rest
   * they go with the Streams' next rollup.
   */
  rollup(to: Lsn, merge?: (entries: readonly T[]) => void, hashesKept = 0): void {
    const start = this.start()
    if (merge !== undefined) {
      const entries: T[] = []
      for (let at = nextLsn(start); at <= to; at = nextLsn(at)) entries.push(this.entry(at))
      merge(entries)
    }
    this.#chain.rollup(to, hashesKept)
    for (let at = nextLsn(start); at <= to; at = nextLsn(at)) this.#decoded.delete(at)
  }
}
