import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { newEpoch } from "../base/ids.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import type { Journal } from "../journal/journal.ts"
import type { Checkpoint, OpenedLog } from "../journal/log.ts"
import { hasFields, plainCodec } from "../journal/plain-entry.ts"
import { Streams } from "../journal/streams.ts"
import type { Rejection } from "../network/message.ts"
import type { Database } from "../sqlite/database.ts"
import { bytesUnpacked, type Changeset, changesetCodec } from "../storage/changeset.ts"
import { PageHistory } from "../storage/page-history.ts"
import { Storage } from "../storage/storage.ts"
import type { KeptAuthor } from "../timeline/author.ts"
import type { Outcome } from "../timeline/outcome.ts"

/** A received batch: which mutations to run, and as whom. Its position is its place in the order (T6). */
export interface Arrival extends KeptAuthor {
  readonly clientId: string
  /** Mutations after `from`, up to `to`. */
  readonly from: Lsn
  readonly to: Lsn
  readonly atMs: number
  /** Positions that `authorize` refused. */
  readonly forbidden: readonly number[]
}

/** A rejection with the data of its `Reject`, kept until its author has it. */
export interface ClientRejection extends Rejection {
  readonly clientId: string
}

/** What became of a mutation of a server's own. */
export interface ServerOutcome {
  readonly uid: string
  readonly outcome: Outcome
}

/** The user that a client id belongs to, from its first write on. */
export interface Binding {
  readonly clientId: string
  readonly user: string | null
}

/** When a client was last in contact; it had every outcome up to `seen`. */
export interface Contact {
  readonly clientId: string
  readonly atMs: number
  readonly seen: Lsn
}

/** Mutations of one client, after `from` up to `to`, that were begun together. */
export interface Attempt {
  readonly clientId: string
  readonly from: number
  readonly to: number
}

/** A client's effects were delivered up to `lsn`; or the mutation at `lsn` was rejected and has no effect. */
export interface DeliveryMark {
  readonly type: "delivered" | "rejected"
  readonly clientId: string
  readonly lsn: Lsn
}

/** A checkpoint is written when the bytes since the last one exceed this and half of the database. */
const CHECKPOINT_BYTES_MIN = 4 * 1024 * 1024
const META_FORMAT = 1

const arrivalCodec = plainCodec<Arrival>((entry) =>
  hasFields(entry, {
    clientId: "text",
    from: "lsn",
    to: "lsn",
    user: "text or null",
    atMs: "number",
    forbidden: "lsns",
  }),
)
const outcomeCodec = plainCodec<ClientRejection>((entry) =>
  hasFields(entry, { clientId: "text", lsn: "lsn", uid: "text", code: "text" }),
)
const serverOutcomeCodec = plainCodec<ServerOutcome>((entry) => hasFields(entry, { uid: "text" }))
const bindingCodec = plainCodec<Binding>((entry) => hasFields(entry, { clientId: "text", user: "text or null" }))
const contactCodec = plainCodec<Contact>((entry) => hasFields(entry, { clientId: "text", atMs: "number", seen: "lsn" }))
const attemptsCodec = plainCodec<readonly Attempt[]>(
  (entry) => Array.isArray(entry) && entry.every((one) => hasFields(one, { clientId: "text", from: "lsn", to: "lsn" })),
)
const effectCodec = plainCodec<DeliveryMark>((entry) =>
  hasFields(entry, { type: "text", clientId: "text", lsn: "lsn" }),
)
const runCodec = plainCodec<{ readonly isOver: boolean }>((entry) => hasFields(entry, { isOver: "boolean" }))
const epochCodec = plainCodec<{ readonly epoch: string }>((entry) => hasFields(entry, { epoch: "text" }))

/** The document's epochs; the last one counts. */
export function epochsOf(streams: Streams): Journal<{ readonly epoch: string }> {
  return streams.journal("epoch", epochCodec)
}

/** What the server keeps of one document at rest: pages, what changed since the checkpoint, and what clients sent. */
export class RemoteStore {
  readonly streams: Streams
  readonly storage: Storage
  readonly history: PageHistory
  readonly arrivals: Journal<Arrival>
  readonly outcomes: Journal<ClientRejection>
  readonly serverOutcomes: Journal<ServerOutcome>
  readonly bindings: Journal<Binding>
  readonly contacts: Journal<Contact>
  /** Groups of mutations that were begun while the server was careful (T12). */
  readonly attempts: Journal<readonly Attempt[]>
  /** Whether a process of this document's is running, or ended as it should: the last one counts. */
  readonly life: Journal<{ readonly isOver: boolean }>
  /** Which effects `onApplied` was called for (S19). */
  readonly effects: Journal<DeliveryMark>
  readonly #epochs: Journal<{ readonly epoch: string }>
  readonly #changes: Journal<Changeset>

  /** @throws LOG_CORRUPT when checkpoint and journal do not verify: the document stops (I11) */
  constructor(opened: OpenedLog, host: Host, chunkPages?: number) {
    this.streams = new Streams(opened)
    this.arrivals = this.streams.journal("arrivals", arrivalCodec)
    this.outcomes = this.streams.journal("outcomes", outcomeCodec)
    this.serverOutcomes = this.streams.journal("server-outcomes", serverOutcomeCodec)
    this.bindings = this.streams.journal("bindings", bindingCodec)
    this.contacts = this.streams.journal("contacts", contactCodec)
    this.attempts = this.streams.journal("attempts", attemptsCodec)
    this.life = this.streams.journal("life", runCodec)
    this.effects = this.streams.journal("effects", effectCodec)
    this.#epochs = epochsOf(this.streams)
    this.#changes = this.streams.journal("storage", changesetCodec)
    if (this.#epochs.lsn() === 0) this.#epochs.append({ epoch: newEpoch(host) })
    const { storage, history } = this.#recover(chunkPages)
    this.storage = storage
    this.history = history
  }

  get epoch(): string {
    return this.#epochs.entry(this.#epochs.lsn()).epoch
  }

  /** The number of changes of this document: the cursor of a client that is up to date. */
  lsn(): Lsn {
    return this.#changes.lsn()
  }

  /** Journals what the storage committed. Durable with the next flush. */
  append(changeset: Changeset): void {
    this.history.append(this.#changes.append(changeset), changeset)
    this.streams.weigh(bytesUnpacked(changeset))
  }

  /** Called when the app has no `onApplied`: once it has one again, effects begin anew. */
  forgetEffects(): void {
    if (this.effects.lsn() > 0) this.streams.drop(this.effects.stream)
  }

  /** Whether it is time to write the database anew and drop the deltas. */
  get isCheckpointDue(): boolean {
    return this.streams.bytesSinceRollup > Math.max(CHECKPOINT_BYTES_MIN, this.storage.baseBytes / 2)
  }

  /**
   * Writes main.db as it is now and drops the deltas before. What is appended while the pages are written stays in the
   * journals, as does what else recovery or a client needs (I12).
   */
  async checkpoint(): Promise<void> {
    const { history } = this
    const meta = new ByteWriter(1024).u8(META_FORMAT).uint(this.lsn()).u64(this.storage.checksum)
    meta.uint(history.changedSince).uint(history.changedAt.length)
    for (const position of history.changedAt) meta.uint(position)
    this.#changes.rollup(this.#changes.lsn())
    if (this.life.lsn() > 0) this.life.rollup(lsn(this.life.lsn() - 1))
    const pages = [...this.storage.snapshot()]
    await this.streams.prepare(pages)
    await this.streams.rollup({ meta: meta.finish(), pages })
  }

  #recover(chunkPages?: number): { storage: Storage; history: PageHistory } {
    const { checkpoint } = this.streams
    const storageOf = (pages: Iterable<Uint8Array>) => new Storage(pages, undefined, chunkPages)
    if (checkpoint === null || checkpoint.meta.length === 0) return this.#replay(storageOf([]), new PageHistory(lsn(0)))
    const { position, checksum, changedSince, changedAt } = readMeta(checkpoint)
    const storage = storageOf(checkpoint.pages)
    if (storage.checksum !== checksum)
      throw new LfError("LOG_CORRUPT", "the checkpoint's pages do not match its checksum")
    return this.#replay(storage, new PageHistory(position, changedAt, changedSince))
  }

  #replay(storage: Storage, history: PageHistory): { storage: Storage; history: PageHistory } {
    try {
      for (const { lsn: position, entry } of this.#changes.iter()) {
        storage.receive(entry)
        history.append(position, entry)
        this.streams.weigh(bytesUnpacked(entry))
      }
    } catch (cause) {
      throw new LfError("LOG_CORRUPT", "the storage journal does not fit its checkpoint", { cause })
    }
    storage.takeChanges()
    return { storage, history }
  }
}

/** The fields that `checkpoint` wrote beside the pages. @throws LOG_CORRUPT LOG_FORMAT_NEWER */
function readMeta({ meta }: Checkpoint) {
  const reader = new ByteReader(meta)
  if (reader.u8() !== META_FORMAT)
    throw new LfError("LOG_FORMAT_NEWER", `expected a checkpoint of format ${META_FORMAT}, got ${meta[0]}`)
  try {
    const position = lsn(reader.uint())
    const checksum = reader.u64()
    const changedSince = lsn(reader.uint())
    const changedAt: number[] = []
    for (let count = reader.count(); count > 0; count--) changedAt.push(reader.uint())
    reader.end()
    return { position, checksum, changedSince, changedAt }
  } catch (cause) {
    throw new LfError("LOG_CORRUPT", "the checkpoint does not parse", { cause })
  }
}

/** Closes the log last, whatever fails before: a log that stays open cannot be opened again (T44). */
export async function closeDatabaseAndLog(db: Database, streams: Streams): Promise<void> {
  try {
    db.close()
  } finally {
    await streams.close()
  }
}
