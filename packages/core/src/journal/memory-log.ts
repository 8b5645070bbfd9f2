import { concatBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "./log.ts"
import { decodeLogHeader, encodeLogHeader, pagesChecksum } from "./log-header.ts"
import { decodeRecords, encodeGroup } from "./record.ts"

/** What one document has on the disk: a header and append groups, in parts, as the log on a real disk has them. */
interface Stored {
  synced: Uint8Array[]
  /** What a crash may take. */
  unsynced: Uint8Array[]
  pages: readonly Uint8Array[]
  generation: number
  /** A rollup that is written but not yet durable. */
  staged: { readonly log: Uint8Array; readonly pages: readonly Uint8Array[] } | null
  owner: MemoryLog | null
}

/**
 * A disk in memory that outlives the logs opened on it: recovery decodes real bytes. Nothing but `crash` loses what is
 * not synced, so a test or a simulator decides what a power failure takes.
 */
export class MemoryDisk {
  readonly #docs = new Map<string, Stored>()
  readonly #sync: () => Promise<void>
  #failure: unknown = null

  /** `sync` is the time that an fsync takes; by default one turn of the microtask queue. */
  constructor(sync: () => Promise<void> = () => Promise.resolve()) {
    this.#sync = sync
  }

  /** @throws LOG_OWNED, LOG_CORRUPT, LOG_FORMAT_NEWER */
  async open(docId: string): Promise<OpenedLog> {
    const doc = this.#docs.get(docId) ?? freshDoc()
    if (doc.owner !== null) throw new LfError("LOG_OWNED", `the log of ${docId} is open already; close it first`)
    this.#docs.set(docId, doc)
    const bytes = concatBytes([...doc.synced, ...doc.unsynced])
    const { header, endAt } = decodeLogHeader(bytes)
    const decoded = decodeRecords(bytes.subarray(endAt), header.generation)
    if (decoded.goodBytes < header.liveBytes) throw new LfError("LOG_CORRUPT", "the live records are damaged")
    const checkpoint = header.checkpoint === null ? null : { meta: header.checkpoint.meta, pages: doc.pages }
    if (header.checkpoint !== null && pagesChecksum(doc.pages) !== header.checkpoint.pagesChecksum)
      throw new LfError("LOG_CORRUPT", "the checkpoint's pages fail their checksum")
    doc.synced = [bytes.slice(0, endAt + decoded.goodBytes)]
    doc.unsynced = []
    doc.generation = header.generation
    const log = new MemoryLog(doc, this.#sync, () => this.#takeFailure())
    doc.owner = log
    return { log, checkpoint, records: decoded.records }
  }

  /**
   * The process or the power is gone: every open log is dead, unsynced bytes are lost but for the first
   * `keep(unsynced)` of them. A rollup under way is kept if all its bytes are.
   */
  crash(keep: (unsynced: number) => number = () => 0): void {
    for (const doc of this.#docs.values()) {
      if (doc.owner === null) continue
      doc.owner.end(new LfError("LOG_FAILED", "the disk crashed"))
      const { staged } = doc
      const unsynced = concatBytes(doc.unsynced)
      if (staged !== null && keep(staged.log.length) >= staged.log.length) commit(doc, staged)
      else doc.synced.push(unsynced.slice(0, keep(unsynced.length)))
      doc.unsynced = []
      doc.staged = null
      doc.owner = null
    }
  }

  /** Takes the document from its owner, as a process does that believes it dead: its appends are refused (I14). */
  depose(docId: string): void {
    const doc = this.#doc(docId)
    doc.owner?.end(new LfError("LOG_DEPOSED", `${docId} has another owner`))
    doc.owner = null
    doc.staged = null // an unfinished rollup is dropped with its owner
  }

  /** The next append or rollup of any log on this disk fails with `error`. */
  failNext(error: unknown): void {
    this.#failure = error
  }

  has(docId: string): boolean {
    return this.#docs.has(docId)
  }

  /** All documents that something was stored for. */
  names(): string[] {
    return [...this.#docs.keys()]
  }

  /** The records at rest; none for a document that was never stored. */
  records(docId: string): readonly LogRecord[] {
    if (!this.has(docId)) return []
    const bytes = this.bytes(docId)
    const { header, endAt } = decodeLogHeader(bytes)
    return decodeRecords(bytes.subarray(endAt), header.generation).records
  }

  /** The bytes at rest of a document that is not open, to read and, by `damage`, to change. */
  bytes(docId: string): Uint8Array {
    const doc = this.#doc(docId)
    return concatBytes([...doc.synced, ...doc.unsynced])
  }

  damage(docId: string, change: (log: Uint8Array) => Uint8Array): void {
    const doc = this.#doc(docId)
    doc.synced = [change(this.bytes(docId))]
    doc.unsynced = []
  }

  #doc(docId: string): Stored {
    const doc = this.#docs.get(docId)
    if (doc === undefined) throw new LfError("DOC_NOT_FOUND", `nothing was stored for ${docId}`)
    return doc
  }

  #takeFailure(): unknown {
    const failure = this.#failure
    this.#failure = null
    return failure
  }
}

class MemoryLog implements DocumentLog {
  readonly isDurable = true
  readonly #doc: Stored
  readonly #sync: () => Promise<void>
  readonly #takeFailure: () => unknown
  #ended: LfError | null = null

  constructor(doc: Stored, sync: () => Promise<void>, takeFailure: () => unknown) {
    this.#doc = doc
    this.#sync = sync
    this.#takeFailure = takeFailure
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    this.#begin()
    if (records.length === 0) return
    const doc = this.#doc
    doc.unsynced.push(encodeGroup(doc.generation, records))
    await this.#settle()
    for (const group of doc.unsynced.splice(0)) doc.synced.push(group)
  }

  /** Takes the time of a sync. Nothing is kept: `rollup` gets the pages once more. */
  async prepare(): Promise<void> {
    this.#begin()
    await this.#settle()
  }

  async rollup(checkpoint: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    this.#begin()
    const doc = this.#doc
    const generation = doc.generation + 1
    const group = encodeGroup(generation, live)
    const pages = [...checkpoint.pages]
    const stamp = { meta: checkpoint.meta, pageCount: pages.length, pagesChecksum: pagesChecksum(pages) }
    const header = encodeLogHeader({ generation, checkpoint: stamp, liveBytes: group.length })
    const staged = { log: concatBytes([header, group]), pages }
    doc.staged = staged
    await this.#settle()
    commit(doc, staged)
    doc.generation = generation
  }

  async close(): Promise<void> {
    if (this.#doc.owner === this) this.#doc.owner = null
    this.#ended ??= new LfError("LOG_CLOSED", "the log was closed")
  }

  /** From now on every call, also one under way, is refused with `error`. */
  end(error: LfError): void {
    this.#ended ??= error
  }

  #begin(): void {
    if (this.#ended !== null) throw this.#ended
    const failure = this.#takeFailure()
    if (failure === null) return
    // Like a real disk after a failed write: what a later write would do is unknown, so there is none (T19).
    this.#ended =
      failure instanceof LfError ? failure : new LfError("LOG_FAILED", "the disk failed", { cause: failure })
    throw this.#ended
  }

  async #settle(): Promise<void> {
    await this.#sync()
    if (this.#ended !== null) throw this.#ended
  }
}

/** A log that is lost with the process, for private windows and for browsers without storage. */
export function openMemoryLog(): OpenedLog {
  let isClosed = false
  const admit = async () => {
    if (isClosed) throw new LfError("LOG_CLOSED", "the log was closed")
  }
  const close = async () => {
    isClosed = true
  }
  return { log: { isDurable: false, append: admit, rollup: admit, close }, checkpoint: null, records: [] }
}

function freshDoc(): Stored {
  const log = encodeLogHeader({ generation: 1, checkpoint: null, liveBytes: 0 })
  return { synced: [log], unsynced: [], pages: [], generation: 1, staged: null, owner: null }
}

function commit(doc: Stored, staged: NonNullable<Stored["staged"]>): void {
  doc.synced = [staged.log]
  doc.pages = staged.pages
  doc.staged = null
}
