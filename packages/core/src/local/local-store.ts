import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { clientIdOf, deriveForkSecret, newClientSecret } from "../base/ids.ts"
import { LSN_ZERO, type Lsn, lsn, nextLsn } from "../base/lsn.ts"
import type { Journal } from "../journal/journal.ts"
import type { Checkpoint, OpenedLog } from "../journal/log.ts"
import { Streams } from "../journal/streams.ts"
import { bytesUnpacked } from "../storage/changeset.ts"
import type { WholeBase } from "../storage/page-table.ts"
import { Storage } from "../storage/storage.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { MutationOutcome, Outcome } from "../timeline/outcome.ts"
import { timelineStream } from "../timeline/timeline.ts"
import {
  type BaseEntry,
  baseCodec,
  identityCodec,
  type RejectedMutation,
  type RejectionChange,
  rejectionCodec,
  type SettledEntry,
  settledCodec,
} from "./local-entries.ts"
import { OUTCOMES_KEPT } from "./receipts.ts"

/** The base is rewritten when the deltas since the last rollup exceed this and half of the base. */
const ROLLUP_BYTES_MIN = 1024 * 1024
const META_FORMAT = 1

interface Refused {
  readonly rejections: readonly RejectedMutation[]
  readonly onDurable: () => void
}

/** What a client keeps at rest: who it is, its pending mutations, the server's pages and the rejections not dismissed yet. */
export class LocalStore {
  readonly streams: Streams
  readonly storage: Storage
  readonly #identity: Journal<Uint8Array>
  readonly #base: Journal<BaseEntry>
  readonly #rejections: Journal<RejectionChange>
  readonly #settled: Journal<SettledEntry>
  readonly #open = new Map<string, RejectedMutation>()
  /** Every rejection that was ever folded, dismissed or not. */
  readonly #rejectedUids = new Set<string>()
  /** The newest OUTCOMES_KEPT decisions, oldest first. */
  readonly #decided = new Map<string, { readonly code: string | null; readonly cursor: Lsn }>()
  /** Kept, and not known to be durable. */
  readonly #refused: Refused[] = []
  readonly #rejectionWatchers = new Set<(change: RejectionChange) => void>()
  #epoch = ""
  #cursor = LSN_ZERO
  /** How often the base was dropped, or a whole one came in its place. */
  #basesReplaced = 0
  #rollup: Promise<void> | null = null
  /** The base is in no journal: flushes wait for a rollup, so that what the base decided is durable with it. */
  #isBaseUnkept = false
  readonly #rollupBytes: number | undefined

  /** @throws LOG_CORRUPT */
  constructor(opened: OpenedLog, host: Host, rollupBytes?: number) {
    this.#rollupBytes = rollupBytes
    this.streams = new Streams(opened)
    this.#identity = this.streams.journal("identity", identityCodec)
    this.#base = this.streams.journal("base", baseCodec)
    this.#rejections = this.streams.journal("rejections", rejectionCodec)
    this.#settled = this.streams.journal("settled", settledCodec)
    this.storage = this.#recoverBase()
    for (const { entry } of this.#rejections.iter()) this.#fold(entry)
    for (const { entry } of this.#settled.iter()) this.#foldDecided(entry)
    // The id is made together with the journal and lives in the same store (T3).
    if (this.#identity.lsn() === this.#identity.start()) this.#identity.append(newClientSecret(host))
  }

  get secret(): Uint8Array {
    return this.#identity.entry(this.#identity.lsn())
  }

  get clientId(): string {
    return clientIdOf(this.secret)
  }

  get epoch(): string {
    return this.#epoch
  }

  get cursor(): Lsn {
    return this.#cursor
  }

  get rejections(): readonly RejectedMutation[] {
    return [...this.#open.values()]
  }

  /**
   * How far the timeline was decided by the base that is here. The base's own row does not always say: after a clone
   * wrote under our id it names an entry that we never had.
   */
  get settledTo(): Lsn {
    if (this.storage.basePageCount === 0 || this.#settled.lsn() === LSN_ZERO) return LSN_ZERO
    const { clientId, lsn: at } = this.#settled.entry(this.#settled.lsn())
    return clientId === this.clientId ? at : LSN_ZERO
  }

  /** Kept with the same flush as the base that decided it. */
  settle(position: Lsn, outcomes: readonly MutationOutcome[] = []): void {
    const codeOf = (outcome: Outcome) => (outcome.type === "rejected" ? outcome.code : null)
    const decided = outcomes.map(({ uid, outcome }) => [uid, codeOf(outcome)] as const)
    this.#settle({ clientId: this.clientId, lsn: position, cursor: this.#cursor, decided })
  }

  /** What became of a mutation that is not pending any more; undefined: this device does not know. */
  outcomeOf(uid: string): Outcome | undefined {
    const rejection = this.#open.get(uid)
    if (rejection !== undefined) return { type: "rejected", code: rejection.code, data: rejection.data }
    const decided = this.#decided.get(uid)
    if (decided === undefined) return undefined
    const { code, cursor } = decided
    return code === null ? { type: "applied", lsn: cursor } : { type: "rejected", code, data: null }
  }

  /** A new identity with an empty timeline, for `first` and what follows it; the old id's stream goes with the same flush. */
  renewIdentity(host: Host, first: Mutation | undefined): void {
    const secret = first === undefined ? newClientSecret(host) : deriveForkSecret(this.secret, first.uid)
    this.streams.drop(timelineStream(this.clientId))
    this.#identity.append(secret)
    this.#identity.rollup(lsn(this.#identity.lsn() - 1))
  }

  /** Puts the server's pages under. The storage's overlay must be reverted. @throws CHECKSUM_MISMATCH BYTES_MALFORMED */
  receive(entry: BaseEntry): void {
    this.storage.receive(entry.changeset)
    this.#epoch = entry.epoch
    this.#cursor = entry.cursor
    this.#base.append(entry)
    this.streams.weigh(bytesUnpacked(entry.changeset))
  }

  /**
   * Puts a whole base in the place of what is there. The storage's overlay must be reverted. It is kept by a rollup, which
   * writes its pages as they are. @throws CHECKSUM_MISMATCH
   */
  receiveBase({ epoch, cursor, base }: { epoch: string; cursor: Lsn; base: WholeBase }): void {
    this.storage.replaceBase(base)
    this.#epoch = epoch
    this.#cursor = cursor
    this.#forgetEntries()
    this.#isBaseUnkept = true
  }

  /** The next pages are asked for from the beginning; what is here stays in view until they come. */
  forgetCursor(): void {
    this.#cursor = LSN_ZERO
  }

  /** Forgets the server's pages; they will be fetched again. */
  dropBase(): void {
    this.storage.clear()
    this.#epoch = ""
    this.#cursor = LSN_ZERO
    this.#forgetEntries()
    this.#isBaseUnkept = false
  }

  #forgetEntries(): void {
    this.#basesReplaced++
    if (this.#base.lsn() > this.#base.start()) this.#base.rollup(this.#base.lsn())
  }

  /** Returns its undo. */
  watchRejections(watcher: (change: RejectionChange) => void): () => void {
    this.#rejectionWatchers.add(watcher)
    return () => void this.#rejectionWatchers.delete(watcher)
  }

  reject(rejection: RejectedMutation): void {
    this.#note({ type: "rejected", rejection })
  }

  /**
   * Keeps what the server refused. Asked again it might accept it: so it is a rejection, and `onDurable` is called, only
   * when that is durable.
   */
  refuse(rejections: readonly RejectedMutation[], onDurable: () => void): void {
    for (const rejection of rejections) this.#rejections.append({ type: "rejected", rejection })
    this.#refused.push({ rejections, onDurable })
  }

  /** Refused by the server, but not durable as rejections yet: until then they are pending. */
  get refused(): readonly RejectedMutation[] {
    return this.#refused.flatMap(({ rejections }) => rejections)
  }

  /** A rejection of another log: once, also when that log was not deleted in time and comes again after it was dismissed. */
  adopt(rejection: RejectedMutation): void {
    if (!this.#rejectedUids.has(rejection.uid)) this.reject(rejection)
  }

  dismiss(uid: string): void {
    if (this.#open.has(uid)) this.#note({ type: "dismissed", uid })
  }

  /** Resolves when everything so far is durable. */
  async flush(): Promise<void> {
    const refused = [...this.#refused]
    while (this.#isBaseUnkept) await this.#rollUp()
    await this.streams.flush()
    for (const one of refused) this.#showRefused(one)
  }

  /** Rewrites the base when its deltas have grown past the limit; undefined: not now. Flushes go on meanwhile. */
  rollupIfDue(): Promise<void> | undefined {
    const limit = this.#rollupBytes ?? Math.max(ROLLUP_BYTES_MIN, this.storage.baseBytes / 2)
    if (this.streams.bytesSinceRollup <= limit || this.#rollup !== null) return undefined
    return this.#rollUp()
  }

  /** Flushes and releases the log. A rollup under way ends first: one that each closing cut would never come about. */
  async close(): Promise<void> {
    // What a rollup under way fails with is reported where it began.
    const rollup = this.#isBaseUnkept ? this.#rollUp() : this.#rollup?.catch(() => {})
    try {
      await rollup
    } finally {
      await this.streams.close()
    }
  }

  /** One at a time. */
  #rollUp(): Promise<void> {
    this.#rollup ??= this.rollup().finally(() => {
      this.#rollup = null
    })
    return this.#rollup
  }

  /** Writes the base as it is now and drops what led to it. What comes while its pages are written stays behind it. */
  async rollup(): Promise<void> {
    const pages = [...this.storage.snapshot()]
    const meta = new ByteWriter(128)
      .u8(META_FORMAT)
      .text(this.#epoch)
      .uint(this.#cursor)
      .u64(this.storage.checksum)
      .finish()
    if (this.#base.lsn() > this.#base.start()) this.#base.rollup(this.#base.lsn())
    const replaced = this.#basesReplaced
    await this.streams.prepare(pages)
    // What follows these pages does not lead to the base that is here by now.
    if (this.#basesReplaced > replaced) return this.rollup()
    this.#foldSettled()
    this.#foldRejections()
    await this.streams.rollup({ meta, pages })
    if (this.#basesReplaced === replaced) this.#isBaseUnkept = false
  }

  /** The base is a cache of the server: one that does not add up is dropped and fetched again. */
  #recoverBase(): Storage {
    const storage = new Storage()
    const { checkpoint } = this.streams
    const meta = checkpoint === null ? null : readMeta(checkpoint)
    if (checkpoint !== null && meta !== null) {
      const loaded = new Storage(checkpoint.pages)
      if (loaded.checksum === meta.checksum) return this.#replay(loaded, meta.epoch, meta.cursor)
    }
    return this.#replay(storage, "", LSN_ZERO)
  }

  #replay(storage: Storage, epoch: string, cursor: Lsn): Storage {
    this.#epoch = epoch
    this.#cursor = cursor
    for (let at = nextLsn(this.#base.start()); at <= this.#base.lsn(); at = nextLsn(at)) {
      try {
        const entry = this.#base.entry(at)
        storage.receive(entry.changeset)
        this.streams.weigh(bytesUnpacked(entry.changeset))
        this.#epoch = entry.epoch
        this.#cursor = entry.cursor
      } catch {
        // The pages that this change was made for are gone; a later entry may hold a whole base again.
        storage.clear()
        this.#epoch = ""
        this.#cursor = LSN_ZERO
      }
    }
    storage.takeChanges()
    return storage
  }

  #note(entry: RejectionChange): void {
    this.#rejections.append(entry)
    this.#notifyWatchers(entry)
  }

  #showRefused(refused: Refused): void {
    if (!this.#refused.includes(refused)) return // another flush has shown it
    this.#refused.splice(this.#refused.indexOf(refused), 1)
    for (const rejection of refused.rejections) this.#notifyWatchers({ type: "rejected", rejection })
    refused.onDurable()
  }

  #notifyWatchers(entry: RejectionChange): void {
    this.#fold(entry)
    for (const watcher of this.#rejectionWatchers) watcher(entry)
  }

  #fold(entry: RejectionChange): void {
    this.#rejectedUids.add(entry.type === "rejected" ? entry.rejection.uid : entry.uid)
    if (entry.type === "rejected") this.#open.set(entry.rejection.uid, entry.rejection)
    else this.#open.delete(entry.uid)
  }

  #settle(entry: SettledEntry): void {
    this.#settled.append(entry)
    this.#foldDecided(entry)
  }

  #foldDecided({ decided = [], cursor = LSN_ZERO }: SettledEntry): void {
    for (const [uid, code] of decided) this.#decided.set(uid, { code, cursor })
    for (const uid of this.#decided.keys()) {
      if (this.#decided.size <= OUTCOMES_KEPT) return
      this.#decided.delete(uid)
    }
  }

  /** The last position and the newest outcomes, appended again in one entry, so that the old ones can go. */
  #foldSettled(): void {
    const last = this.#settled.lsn()
    if (last === this.#settled.start()) return
    const { clientId, lsn: at } = this.#settled.entry(last)
    const decided = Array.from(this.#decided, ([uid, { code }]) => [uid, code] as const)
    this.#settled.append({ clientId, lsn: at, cursor: this.#cursor, decided })
    this.#settled.rollup(last)
  }

  /** Keeps only what is still open: appended again, so that the old entries can go. */
  #foldRejections(): void {
    const last = this.#rejections.lsn()
    if (last === this.#rejections.start()) return
    const refused = this.#refused.flatMap(({ rejections }) => rejections)
    for (const rejection of [...this.#open.values(), ...refused])
      this.#rejections.append({ type: "rejected", rejection })
    this.#rejections.rollup(last)
  }
}

/** What `rollup` wrote beside the pages; null when it holds nothing of use. @throws LOG_FORMAT_NEWER */
function readMeta({ meta }: Checkpoint) {
  if (meta.length === 0) return null
  if (meta[0] !== META_FORMAT) throw new LfError("LOG_FORMAT_NEWER", `expected format ${META_FORMAT}, got ${meta[0]}`)
  try {
    const reader = new ByteReader(meta.subarray(1))
    const epoch = reader.text(64)
    const cursor = lsn(reader.uint())
    const checksum = reader.u64()
    reader.end()
    return { epoch, cursor, checksum }
  } catch {
    return null
  }
}
