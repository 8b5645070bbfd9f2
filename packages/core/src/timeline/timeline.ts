import { LSN_ZERO, type Lsn, lsn, nextLsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import type { Journal, WriteResult } from "../journal/journal.ts"
import type { Streams } from "../journal/streams.ts"
import type { Database } from "../sqlite/database.ts"
import { applyGroup, type Job } from "./apply-group.ts"
import { type Mutation, mutationCodec } from "./mutation.ts"
import type { Mutator } from "./mutator.ts"
import type { Outcome } from "./outcome.ts"

/**
 * Hashes below what a client confirmed, 8 bytes each: a clone that slept for longer than this many of the other's
 * mutations loses nothing, but what both had pending when they parted runs twice.
 */
export const HASHES_KEPT = 1024

/** A client's pending mutations, in order, under one client id. A fork gives it a new id and renumbers. */
export class Timeline {
  readonly clientId: string
  readonly #journal: Journal<Mutation>
  readonly #mutator: Mutator
  readonly #user: string | null
  /** Positions of what is pending, oldest first: a uid is found without a look at the others. */
  readonly #lsnByUid = new Map<string, Lsn>()

  constructor(streams: Streams, options: { clientId: string; mutator: Mutator; user: string | null }) {
    this.clientId = options.clientId
    this.#journal = streams.journal(timelineStream(options.clientId), mutationCodec)
    for (const { lsn: at, entry } of this.#journal.iter()) this.#lsnByUid.set(entry.uid, at)
    this.#mutator = options.mutator
    this.#user = options.user
  }

  lsn(): Lsn {
    return this.#journal.lsn()
  }

  /** Everything up to here is in the base. */
  start(): Lsn {
    return this.#journal.start()
  }

  hashAt(position: Lsn): bigint | undefined {
    return this.#journal.hashAt(position)
  }

  get pendingCount(): number {
    return this.#journal.lsn() - this.#journal.start()
  }

  pending(): Mutation[] {
    return Array.from(this.#journal.iter(), ({ entry }) => entry)
  }

  /** The pending entries up to `last`, and those after `first`. */
  *pendingUpTo(last: Lsn): IterableIterator<Mutation> {
    for (let at = nextLsn(this.start()); at <= Math.min(last, this.lsn()); at = nextLsn(at))
      yield this.#journal.entry(at)
  }

  *pendingAfter(first: Lsn): IterableIterator<Mutation> {
    const from = lsn(Math.max(first, this.start()))
    for (let at = nextLsn(from); at <= this.lsn(); at = nextLsn(at)) yield this.#journal.entry(at)
  }

  isPending(uid: string): boolean {
    return this.#lsnByUid.has(uid)
  }

  /** Runs `mutation` on top of the view. A rejected one leaves nothing; `onThrow` gets what it threw. */
  apply(db: Database, mutation: Mutation, onThrow?: (error: unknown) => void): Outcome {
    const [outcome] = this.#run(db, [mutation], onThrow)
    return outcome
  }

  append(mutation: Mutation): Lsn {
    const at = this.#journal.append(mutation)
    this.#lsnByUid.set(mutation.uid, at)
    return at
  }

  /**
   * What the server lacks, from its `cursor` on: at most `maxBytes`, and nothing behind `durable`. Only what survives a crash
   * here may be known there, or the server's copy would run ahead of ours (I1).
   */
  sync(cursor: Lsn, durable: Lsn, maxBytes: number): Batch {
    const from = lsn(Math.max(cursor, this.#journal.start()))
    const batch = this.#journal.read(from, maxBytes)
    return { ...batch, entries: batch.entries.slice(0, Math.max(0, durable - from)) }
  }

  /** What is up to `position` is in the base, or rejected: it is pending no more. */
  drop(position: Lsn): void {
    if (position <= this.#journal.start()) return
    for (const [uid, at] of this.#lsnByUid) {
      if (at > position) break
      this.#lsnByUid.delete(uid)
    }
    this.#journal.rollup(position)
  }

  /** Runs everything pending on a new base, in one transaction. One that throws is skipped in the view; the server decides (T11). */
  rebase(db: Database): Outcome[] {
    return this.#run(db, this.pending())
  }

  #run(db: Database, mutations: readonly Mutation[], onThrow?: (error: unknown) => void): Outcome[] {
    if (mutations.length === 0) return []
    const jobs: Job[] = mutations.map((mutation) => ({ mutation, user: this.#user }))
    return applyGroup({ db, mutator: this.#mutator, side: "local", jobs, onThrow: (_index, error) => onThrow?.(error) })
  }
}

export function timelineStream(clientId: string): string {
  return `timeline/${clientId}`
}

/** The server's copy of a client's timeline: merging what was sent twice changes nothing. */
export class ClientJournal {
  readonly #journal: Journal<Mutation>
  /** Mutations up to here ran, or were rejected: what the document's own table says. */
  applied: Lsn

  constructor(journal: Journal<Mutation>, applied: Lsn = LSN_ZERO) {
    this.#journal = journal
    this.applied = applied
  }

  lsn(): Lsn {
    return this.#journal.lsn()
  }

  hashAt(position: Lsn): bigint | undefined {
    return this.#journal.hashAt(position)
  }

  write(batch: Batch): WriteResult {
    return this.#journal.write(batch)
  }

  entry(position: Lsn): Mutation {
    return this.#journal.entry(position)
  }

  /** The client keeps nothing up to `confirmed`. Some hashes stay: a clone of it may have less, and asks (T1). */
  confirm(confirmed: number): void {
    const to = lsn(Math.min(confirmed, this.applied))
    if (to > this.#journal.start()) this.#journal.rollup(to, undefined, HASHES_KEPT)
  }
}
