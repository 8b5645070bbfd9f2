import { LSN_ZERO, type Lsn, lsn, nextLsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import type { Journal, WriteResult } from "../journal/journal.ts"
import type { Streams } from "../journal/streams.ts"
import type { Database } from "../sqlite/database.ts"
import { applyGroup, type Group, type Job, mutationPagesMax } from "./apply-group.ts"
import { type Author, authorOf } from "./author.ts"
import { type Mutation, mutationCodec } from "./mutation.ts"
import type { Mutator } from "./mutator.ts"
import { type RunResult, rejected } from "./outcome.ts"
import type { Rehearsals } from "./rehearsal.ts"

/**
 * Hashes below what a client confirmed, 8 bytes each: a clone that slept for longer than this many of the other's
 * mutations loses nothing, but what both had pending when they parted runs twice.
 */
export const HASHES_KEPT = 1024
/** Hashes kept in all of a client that confirms nothing. */
export const HASHES_MAX = 16 * HASHES_KEPT

/** A client's pending mutations, in order, under one client id. A fork gives it a new id and renumbers. */
export class Timeline {
  readonly clientId: string
  readonly #journal: Journal<Mutation>
  readonly #mutator: Mutator
  readonly #author: Author
  readonly #crashed: Set<string>
  readonly #rehearsals: Rehearsals | undefined
  /** Positions of what is pending, oldest first: a uid is found without a look at the others. */
  readonly #lsnByUid = new Map<string, Lsn>()

  /** `crashed` holds the uids of what crashed SQLite in this process: it is not run again here (T43). */
  constructor(
    streams: Streams,
    options: {
      readonly clientId: string
      readonly mutator: Mutator
      readonly user: string | null
      readonly crashed?: Set<string>
      readonly rehearsals?: Rehearsals | undefined
    },
  ) {
    this.#rehearsals = options.rehearsals
    this.#crashed = options.crashed ?? new Set()
    this.clientId = options.clientId
    this.#journal = streams.journal(timelineStream(options.clientId), mutationCodec)
    for (const { lsn: at, entry } of this.#journal.iter()) this.#lsnByUid.set(entry.uid, at)
    this.#mutator = options.mutator
    this.#author = authorOf(options.user)
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
  apply(db: Database, mutation: Mutation, onThrow?: (error: unknown) => void): RunResult {
    const [outcome] = this.#run(db, [mutation], {
      onThrow: (_index, error) => onThrow?.(error),
      rehearsals: this.#rehearsals,
    })
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
  rebase(db: Database, onThrow?: (index: number, error: unknown) => void): readonly RunResult[] {
    return this.#run(db, this.pending(), { onThrow })
  }

  /** @throws SQL_CRASHED and then the connection must not be used any more */
  #run(
    db: Database,
    mutations: readonly Mutation[],
    { onThrow = () => {}, rehearsals }: Pick<Group, "onThrow" | "rehearsals">,
  ): readonly RunResult[] {
    if (mutations.length === 0) return []
    const jobs: Job[] = mutations.map((mutation) =>
      this.#crashed.has(mutation.uid)
        ? { mutation, author: this.#author, decided: rejected("SQL_CRASHED") }
        : { mutation, author: this.#author },
    )
    const result = applyGroup({
      db,
      mutator: this.#mutator,
      side: "local",
      jobs,
      pagesMax: mutationPagesMax(db.pageCountMax),
      onThrow,
      rehearsals,
    })
    if (result.type === "done") return result.outcomes
    this.#crashed.add(mutations[result.at].uid)
    throw db.crash
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
  /** The client keeps nothing up to here. */
  #confirmed: Lsn

  constructor(journal: Journal<Mutation>, applied: Lsn = LSN_ZERO) {
    this.#journal = journal
    this.applied = applied
    // Not what was applied: until the client says more, all that is known of its past may be asked for.
    this.#confirmed = journal.hashStart()
  }

  lsn(): Lsn {
    return this.#journal.lsn()
  }

  hashAt(position: Lsn): bigint | undefined {
    return this.#journal.hashAt(position)
  }

  /** Entries that are kept here, and their bytes. */
  get held(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#journal.lsn() - this.#journal.start(), bytes: this.#journal.bytes }
  }

  write(batch: Batch): WriteResult {
    return this.#journal.write(batch)
  }

  entry(position: Lsn): Mutation {
    return this.#journal.entry(position)
  }

  /** The client keeps nothing up to `confirmed`. */
  confirm(confirmed: Lsn): void {
    if (confirmed > this.#confirmed) this.#confirmed = lsn(Math.min(confirmed, this.applied))
  }

  /**
   * Forgets the entries up to `needed` that were applied. Of their hashes stay those that the client may still ask for,
   * and some below: a clone of it may have less (T1).
   */
  release(needed: Lsn): void {
    const to = lsn(Math.min(needed, this.applied))
    if (to <= this.#journal.start()) return
    this.#journal.rollup(to, undefined, Math.min(Math.max(0, to - this.#confirmed) + HASHES_KEPT, HASHES_MAX))
  }
}
