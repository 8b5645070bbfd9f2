import { LfError } from "../base/error.ts"
import type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "../journal/log.ts"
import { decodeLogHeader } from "../journal/log-header.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { decodeRecords } from "../journal/record.ts"
import { copyLog } from "./copy-log.ts"
import type { SeededRandom } from "./seeded-random.ts"
import type { SimClock } from "./sim-host.ts"
import type { Trace } from "./trace.ts"

/** Called with what a disk is given, before and after it is durable. */
export interface DiskWatcher {
  /** A machine starts and finds this: also what was issued, and reached the disk in a write that never ended. */
  opened(disk: SimDisk, docId: string, records: readonly LogRecord[]): void
  issued(disk: SimDisk, records: readonly LogRecord[]): void
  durable(disk: SimDisk, docId: string, records: readonly LogRecord[]): void
}

export interface SimDiskOptions {
  readonly name: string
  readonly clock: SimClock
  readonly random: SeededRandom
  readonly trace: Trace
  readonly watcher: DiskWatcher
  readonly syncMsMax: number
  /** How likely one write fails. */
  readonly failure: number
}

/** One machine's disk: syncs take time, a crash takes a random part of what was not synced, and now and then it fails. */
export class SimDisk {
  readonly options: SimDiskOptions
  readonly #disk: MemoryDisk
  isCalm = false
  #isInstant = false
  #crashes = 0

  constructor(options: SimDiskOptions) {
    this.options = options
    const { clock, random } = options
    this.#disk = new MemoryDisk(() => (this.#isInstant ? Promise.resolve() : clock.sleep(this.#syncMs(random))))
  }

  async open(docId: string): Promise<OpenedLog> {
    const { log, checkpoint, records } = await this.#disk.open(docId)
    const { watcher } = this.options
    watcher.opened(this, docId, records)
    return { log: new SimLog(this, docId, log), checkpoint, records }
  }

  /** The power is gone. Of what was not synced all, nothing or a torn part is left. */
  crash(): void {
    const { random } = this.options
    this.#crashes++
    this.#disk.crash((bytes) => {
      const kept = random.below(3)
      if (kept === 0) return 0
      return kept === 1 ? bytes : random.below(bytes + 1)
    })
  }

  /** Whether anything was ever kept of the document. */
  has(docId: string): boolean {
    return this.#disk.has(docId)
  }

  /** Another process takes the document over, and does not ask the one that has it (I14). */
  depose(docId: string): void {
    this.#disk.depose(docId)
  }

  /**
   * Flips one bit before the last write of a closed document, opens it and returns what it threw. Then flips the bit back.
   */
  async openFlipped(docId: string): Promise<unknown> {
    const bytes = this.#disk.bytes(docId)
    const { header, endAt } = decodeLogHeader(bytes)
    const { lastGroupAt } = decodeRecords(bytes.subarray(endAt), header.generation)
    const bit = this.options.random.below(8 * (endAt + Math.max(lastGroupAt, header.liveBytes)))
    const flip = (log: Uint8Array) => log.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    this.#disk.damage(docId, flip)
    try {
      const { log } = await this.#disk.open(docId)
      await log.close()
      return "it opens"
    } catch (error) {
      return error
    } finally {
      this.#disk.damage(docId, () => bytes)
    }
  }

  /** Another disk with the same documents: what cloning a profile or a backup does. None of them may be open. */
  async copy(name: string, docIds: readonly string[]): Promise<SimDisk> {
    const twin = new SimDisk({ ...this.options, name, random: this.options.random.fork() })
    twin.#isInstant = true
    for (const docId of docIds) await copyLog(await this.#disk.open(docId), await twin.#disk.open(docId))
    twin.#isInstant = false
    return twin
  }

  /** A process of before a crash is dead: nothing that it still does is noticed. */
  get crashes(): number {
    return this.#crashes
  }

  /** What becomes of the next write. */
  fate(): "good" | "full" | "failed" | "unknown" {
    const { random, failure } = this.options
    if (!random.chance(failure) || this.isCalm) return "good"
    return random.pick(["full", "failed", "unknown"])
  }

  #syncMs(random: SeededRandom): number {
    const { syncMsMax } = this.options
    return random.chance(0.02) && !this.isCalm ? random.between(0, syncMsMax * 50) : random.between(0.01, syncMsMax)
  }
}

class SimLog implements DocumentLog {
  readonly isDurable = true
  readonly #disk: SimDisk
  readonly #docId: string
  readonly #log: DocumentLog
  readonly #crashes: number
  #failure: LfError | null = null

  constructor(disk: SimDisk, docId: string, log: DocumentLog) {
    this.#disk = disk
    this.#crashes = disk.crashes
    this.#docId = docId
    this.#log = log
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#write("append", records, () => this.#log.append(records))
  }

  prepare(): Promise<void> {
    return this.#write("prepare", [], async () => this.#log.prepare?.([]))
  }

  rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#write("rollup", live, () => this.#log.rollup(checkpoint, live))
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #write(what: string, records: readonly LogRecord[], write: () => Promise<void>): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#crashes !== this.#disk.crashes) throw this.#fail(new LfError("LOG_FAILED", "the machine crashed"))
    const { trace, watcher, name } = this.#disk.options
    const fate = this.#disk.fate()
    trace.note(`${what} ${name}/${this.#docId} ${summary(records)} ${fate}`)
    watcher.issued(this.#disk, records)
    if (fate === "full") throw this.#fail(new LfError("LOG_FULL", "the disk is full"))
    if (fate === "failed") throw this.#fail(new LfError("LOG_FAILED", "the disk failed"))
    await write()
    // An fsync that fails says nothing about what is on the disk: here everything is (T19).
    if (fate === "unknown") throw this.#fail(new LfError("LOG_FAILED", "the fsync failed"))
    watcher.durable(this.#disk, this.#docId, records)
  }

  #fail(failure: LfError): LfError {
    this.#failure = failure
    return failure
  }
}

/** Streams, positions and one hash: enough to see two runs differ and to read one. */
function summary(records: readonly LogRecord[]): string {
  const names = records.map(({ stream, lsn }) => `${stream.replace(/[0-9a-f]{26}$/, "")}:${lsn}`)
  return `${names.join(" ")} ${records.at(-1)?.hash ?? 0n}`
}
