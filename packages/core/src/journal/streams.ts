import { chainHash } from "../base/checksum.ts"
import { LfError, toLfError } from "../base/error.ts"
import { LSN_ZERO } from "../base/lsn.ts"
import { anchorHashes, anchorRecord, Chain, type ChainKeeper } from "./chain.ts"
import { type EntryCodec, Journal } from "./journal.ts"
import type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "./log.ts"
import { recordBytes } from "./record.ts"

/** One call of the log. Jobs run one after the other, in the order of the calls that made them. */
interface Job {
  readonly type: "append" | "rollup"
  readonly records: LogRecord[]
  readonly done: Promise<void>
  readonly run: () => Promise<void>
  readonly settle: (error: LfError | null) => void
}

/**
 * The journals of one document over its one log: one flush covers all of them, their order is one order. After a
 * failure everything rejects with the same error until the document is reopened (T19).
 */
export class Streams {
  readonly checkpoint: Checkpoint | null
  readonly isDurable: boolean
  readonly #log: DocumentLog
  readonly #chains = new Map<string, Chain>()
  readonly #journals = new Map<string, Journal<unknown>>()
  readonly #keeper: ChainKeeper = { admit: () => this.#admit(), keep: (record) => this.#keep(record) }
  /** Appended, but in no job yet. */
  #pending: LogRecord[] = []
  /** The first one is running. */
  readonly #jobs: Job[] = []
  #isRunning = false
  #failure: LfError | null = null
  #closed: Promise<void> | null = null
  #bytesSinceRollup = 0

  /** @throws LOG_CORRUPT when a stream's records do not follow each other */
  constructor(opened: OpenedLog) {
    this.#log = opened.log
    this.checkpoint = opened.checkpoint
    this.isDurable = opened.log.isDurable
    for (const record of opened.records) this.#load(record)
  }

  /** The journal named `stream`: one object per name, so the same codec each time. */
  journal<T>(stream: string, codec: EntryCodec<T>): Journal<T> {
    const known = this.#journals.get(stream)
    // Safe: a stream's name stands for one type of entry, and the first caller's codec made this journal.
    if (known !== undefined) return known as unknown as Journal<T>
    const chain = this.#chains.get(stream) ?? new Chain(stream, this.#keeper)
    const journal = new Journal(chain, codec)
    this.#chains.set(stream, chain)
    this.#journals.set(stream, journal as unknown as Journal<unknown>)
    return journal
  }

  /** The streams that hold anything, rolled up or not. */
  names(): string[] {
    return [...this.#chains.values()].filter((chain) => chain.lsn() > 0).map((chain) => chain.stream)
  }

  /** Forgets a stream, durably with the next flush and in one piece with what else that flush writes. */
  drop(stream: string): void {
    this.#admit()
    const chain = this.#chains.get(stream)
    chain?.retire()
    this.#chains.delete(stream)
    this.#journals.delete(stream)
    if (chain !== undefined && chain.lsn() > 0) this.#keep(anchorRecord(stream, LSN_ZERO, 0n))
  }

  /** About the bytes that a rollup would make needless; the caller's measure for when to do one. */
  get bytesSinceRollup(): number {
    return this.#bytesSinceRollup
  }

  /** Counts `bytes` beside a record's own: compressed, it says little about what its replay costs and a rollup saves. */
  weigh(bytes: number): void {
    this.#bytesSinceRollup += bytes
  }

  /** Something was appended that is not durable yet. */
  get isDirty(): boolean {
    return this.#pending.length > 0 || this.#jobs.length > 0
  }

  /** Resolves when everything appended before the call is durable. @throws LOG_FAILED, LOG_FULL, LOG_DEPOSED, LOG_CLOSED */
  flush(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const last = this.#jobs.at(-1)
    if (this.#pending.length === 0) return last?.done ?? Promise.resolve()
    const records = this.#pending
    this.#pending = []
    if (last?.type === "append" && this.#jobs.length > 1) {
      for (const record of records) last.records.push(record)
      return last.done
    }
    return this.#enqueue("append", records, () => this.#log.append(records))
  }

  /**
   * Writes the pages of the rollup that follows, while appends and flushes go on. What they append stays behind the
   * checkpoint. @throws as `flush`
   */
  async prepare(pages: readonly Uint8Array[]): Promise<void> {
    this.#admit()
    try {
      await this.#log.prepare?.(pages)
    } catch (error) {
      this.#failure ??= toLfError(error, "LOG_FAILED")
      throw this.#failure
    }
  }

  /** Replaces the past by `checkpoint` and the journals as they are at this call. @throws as `flush` */
  rollup(checkpoint: Checkpoint): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const live: LogRecord[] = []
    for (const chain of this.#chains.values()) for (const record of chain.records()) live.push(record)
    // What is pending is part of the snapshot. A flush that waits already still appends before it: no harm.
    this.#pending = []
    this.#bytesSinceRollup = 0
    return this.#enqueue("rollup", live, () => this.#log.rollup(checkpoint, live))
  }

  /** Flushes what is left, then releases the log. A second call waits for the first. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const last = this.#failure === null ? this.flush() : Promise.resolve()
    // After a failure the error was reported already; closing only releases the log.
    this.#failure ??= new LfError("LOG_CLOSED", "the document's log is closed")
    try {
      await last
    } finally {
      await this.#log.close()
    }
  }

  #admit(): void {
    if (this.#failure !== null) throw this.#failure
  }

  #keep(record: LogRecord): void {
    this.#pending.push(record)
    this.#bytesSinceRollup += recordBytes(record)
  }

  #enqueue(type: Job["type"], records: LogRecord[], run: () => Promise<void>): Promise<void> {
    let settle: Job["settle"] = () => {}
    const done = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === null ? resolve() : reject(error))
    })
    this.#jobs.push({ type, records, done, run, settle })
    if (!this.#isRunning) void this.#runJobs()
    return done
  }

  async #runJobs(): Promise<void> {
    this.#isRunning = true
    for (let job = this.#jobs.at(0); job !== undefined; job = this.#jobs.at(0)) {
      const error = await outcome(job)
      if (error !== null) {
        // Closing is no failure: a job that fails after close() was called rejects with its own error.
        this.#failure = error
        for (const waiting of this.#jobs.splice(0)) waiting.settle(error)
        break
      }
      this.#jobs.shift()
      job.settle(null)
    }
    this.#isRunning = false
  }

  #load(record: LogRecord): void {
    const { stream, lsn, hash, previousHash } = record
    const known = this.#chains.get(stream)
    this.#bytesSinceRollup += recordBytes(record)
    if (record.type === "anchor") {
      if (lsn === LSN_ZERO) {
        this.#chains.delete(stream)
        return
      }
      if (known !== undefined)
        throw corrupt(record, "expected an anchor as the first of its stream, got one behind other records")
      const hashes = anchorHashes(record)
      if (lsn === Number.MAX_SAFE_INTEGER)
        throw corrupt(record, "an anchor at the last position, which no record can follow")
      if (hashes === undefined)
        throw corrupt(record, `expected the hashes of an anchor, got ${record.payload.length} bytes that are none`)
      this.#chains.set(stream, new Chain(stream, this.#keeper, lsn, hashes))
      return
    }
    const chain = known ?? new Chain(stream, this.#keeper)
    if (lsn - 1 !== chain.lsn()) throw corrupt(record, `expected record ${chain.lsn() + 1} here`)
    if (previousHash !== chain.hash())
      throw corrupt(record, "the hash that it names before it is not that of the record before it")
    if (hash !== chainHash(previousHash, record.payload)) throw corrupt(record, "its hash is not that of its bytes")
    chain.load(record.payload, hash)
    this.#chains.set(stream, chain)
  }
}

async function outcome(job: Job): Promise<LfError | null> {
  try {
    await job.run()
    return null
  } catch (error) {
    return toLfError(error, "LOG_FAILED")
  }
}

function corrupt(record: LogRecord, why: string): LfError {
  return new LfError("LOG_CORRUPT", `record ${record.lsn} of ${record.stream}: ${why}`)
}
