import { unreachable } from "../base/assert.ts"
import { LfError, toLfError } from "../base/error.ts"
import { ERROR_CODES, type ErrorCode } from "../base/error-codes.ts"
import type { Host } from "../base/host.ts"
import { type Lsn, lsn, nextLsn } from "../base/lsn.ts"
import { Database } from "../sqlite/database.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { applyGroup, type GroupResult, type Job } from "../timeline/apply-group.ts"
import { keptAuthor, userOf } from "../timeline/author.ts"
import { addRejection, deleteRejections, writeApplied } from "../timeline/internal-tables.ts"
import type { Mutation } from "../timeline/mutation.ts"
import type { Mutator } from "../timeline/mutator.ts"
import { isReject, type Outcome, type RunResult, rejected, rejectionOf } from "../timeline/outcome.ts"
import { HASHES_KEPT } from "../timeline/timeline.ts"
import { type ClientList, SERVER_CLIENT } from "./client-list.ts"
import type { CrashQuarantine } from "./crash-quarantine.ts"
import type { GoneClients } from "./gone-clients.ts"
import { type ClientOutcome, type MutationRef, refKey } from "./mutation-ref.ts"
import type { OnAppliedQueue } from "./on-applied.ts"
import type { OutcomeList } from "./outcome-list.ts"
import type { Arrival, RemoteStore } from "./remote-store.ts"
import type { ServerOutcomes } from "./server-outcomes.ts"
import type { SizeWatch } from "./size-watch.ts"

/** The most mutations in one transaction and one entry of the storage journal. */
export const STEP_MUTATIONS_MAX = 256
/** After this time a group ends between two mutations, and other work of the process runs (T39). */
const STEP_SLICE_MS = 10
/** How far ahead of the server a client's clock may be; later times are clamped. */
const CLOCK_AHEAD_MS_MAX = 60_000
/** With fewer pages the deltas of a commit are made in one piece, in less than a slice. */
const SLICED_PAGES_MIN = 16
/** All tables, not only those of this connection's queries; of each index some hundred rows. */
const ANALYZE = "pragma optimize = 0x10012"
const NO_UID = "00000000-0000-0000-0000-000000000000"

/** Runs `work` and stops it when it takes too long. False: it was stopped, and its wasm instance cannot be used again. */
export type Guard = (work: () => void) => boolean

export function runUnguarded(work: () => void): boolean {
  work()
  return true
}

/** A mutation that waits to run. */
interface Waiting extends MutationRef {
  readonly hash: bigint
  readonly job: Job
}

/** A group that is applied, as it may be stopped. */
interface Run {
  /** The mutation that runs. */
  current: number
  result: GroupResult | null
  /** What mutations threw, to be reported. */
  readonly thrown: { readonly job: Job; readonly error: unknown }[]
}

/** Called for every mutation that failed: it threw no `Reject` but another error, was stopped, or is quarantined. */
export type OnFailed = (failed: {
  readonly mutation: Mutation
  readonly user: string | null
  readonly error: unknown
}) => void

/** Runs the received mutations that are not applied yet, in the order of arrival, one group per transaction. */
export class StepRunner {
  db: Database
  readonly #store: RemoteStore
  readonly #clients: ClientList
  readonly #quarantine: CrashQuarantine
  readonly #outcomes: OutcomeList
  readonly #ownOutcomes: ServerOutcomes
  readonly #effects: OnAppliedQueue | null
  readonly #mutator: Mutator
  readonly #loadSqlite: LoadSqlite
  readonly #guard: Guard
  readonly #onFailed: OnFailed
  readonly #sendsMessages: boolean
  readonly #host: Host
  readonly #size: SizeWatch
  readonly #gone: GoneClients
  /** The clients whose rows the running group has deleted. */
  #forgotten: readonly string[] = []
  /** The code of each mutation that was stopped or crashed SQLite, by client and position. */
  readonly #stopped = new Map<string, "SQL_LIMIT" | "SQL_CRASHED">()
  /** Mutations during which a group of several was stopped: each runs alone, with the whole time limit. */
  readonly #suspects = new Set<string>()
  /** Arrivals up to this position have been run. */
  #done: Lsn

  constructor(options: {
    db: Database
    store: RemoteStore
    clients: ClientList
    quarantine: CrashQuarantine
    outcomes: OutcomeList
    ownOutcomes: ServerOutcomes
    effects: OnAppliedQueue | null
    mutator: Mutator
    loadSqlite: LoadSqlite
    guard: Guard
    onFailed: OnFailed
    sendsMessages: boolean
    host: Host
    size: SizeWatch
    gone: GoneClients
  }) {
    this.#host = options.host
    this.#size = options.size
    this.#gone = options.gone
    this.db = options.db
    this.#store = options.store
    this.#clients = options.clients
    this.#quarantine = options.quarantine
    this.#outcomes = options.outcomes
    this.#ownOutcomes = options.ownOutcomes
    this.#effects = options.effects
    this.#mutator = options.mutator
    this.#loadSqlite = options.loadSqlite
    this.#guard = options.guard
    this.#onFailed = options.onFailed
    this.#sendsMessages = options.sendsMessages
    this.#done = options.store.arrivals.start()
  }

  /** Runs all that waits; yields, so that one client's many mutations do not delay other documents (I20, T39). */
  async stepAll(): Promise<ClientOutcome[]> {
    const all: ClientOutcome[] = []
    let endMs = this.#host.monotonicMs() + STEP_SLICE_MS
    for (;;) {
      const decided = await this.step()
      if (decided === null) return all
      for (const one of decided) all.push(one)
      if (this.#host.monotonicMs() < endMs) continue
      await this.#host.yieldToLoop?.()
      endMs = this.#host.monotonicMs() + STEP_SLICE_MS
    }
  }

  /** Runs one group of the earliest waiting mutations. Returns their outcomes, or null when none wait. */
  async step(): Promise<readonly ClientOutcome[] | null> {
    const waiting = this.#upToSuspect(this.#gather())
    if (waiting.length === 0) return null
    await this.#quarantine.begin(waiting)
    const run: Run = { current: 0, result: null, thrown: [] }
    const isDone = this.#guard(() => {
      run.result = this.#apply(waiting, run)
    })
    const { current, result } = run
    if (!isDone) {
      const key = refKey(waiting[current])
      // In a group of several it may only be the one that ran when the group's time was up.
      if (waiting.length === 1) this.#stopped.set(key, "SQL_LIMIT")
      else this.#suspects.add(key)
    } else if (result?.type === "done") {
      // Not while it ran: a stop in the middle of a write would end the app's log, and what is stopped runs again.
      for (const { job, error } of run.thrown) this.#fail(job, error)
      await this.#encode()
      return this.#commit(waiting.slice(0, result.outcomes.length), result.outcomes)
    } else if (result?.type === "crashed") this.#stopped.set(refKey(waiting[result.at]), "SQL_CRASHED")
    await this.#startOver()
    return []
  }

  /** Replaces a wasm instance that threw, in a mutation or a read (T43). */
  async recover(): Promise<void> {
    if (this.db.crash !== null) await this.#startOver()
  }

  /**
   * Renews the planner's statistics of tables that have grown or shrunk much; SQLite decides which. They are pages like all
   * others, so that every reader has the same. Only where the next flush is the loop's, which announces what it flushed (I4).
   */
  async analyze(): Promise<void> {
    // A full document has no room for them.
    if (this.db.crash !== null || this.db.pagesUsed >= this.#size.pagesMax) return
    try {
      this.db.exec(ANALYZE)
    } catch {
      // Queries are planned without them, as before.
      await this.#startOver()
      return
    }
    const changeset = this.#store.storage.commit()
    if (changeset !== null) this.#store.append(changeset)
  }

  /** Makes the deltas of a commit of many pages in slices, so that other documents run in between (T39). */
  async #encode(): Promise<void> {
    const { storage } = this.#store
    if (storage.overlayPages < SLICED_PAGES_MIN) return
    let endMs = this.#host.monotonicMs() + STEP_SLICE_MS
    for (const _ of storage.encodeOverlay()) {
      if (this.#host.monotonicMs() < endMs) continue
      await this.#host.yieldToLoop?.()
      endMs = this.#host.monotonicMs() + STEP_SLICE_MS
    }
  }

  #apply(waiting: readonly Waiting[], run: Run): GroupResult {
    const endMs = this.#host.monotonicMs() + STEP_SLICE_MS
    return applyGroup({
      db: this.db,
      mutator: this.#mutator,
      side: "remote",
      jobs: waiting.map(({ job }) => job),
      pagesMax: this.#size.pagesMax,
      isOver: () => this.#host.monotonicMs() >= endMs,
      mark: (index, outcome) => this.#mark(waiting[index], outcome),
      finish: (count) => this.#finish(waiting.slice(0, count)),
      watch: (index) => {
        run.current = index
      },
      sendsMessages: this.#sendsMessages,
      onThrow: (index, error) => {
        const code = toLfError(error, "MUTATION_THREW").code
        // A full document is reported once by `onNearLimit`, not once per mutation.
        if (!isReject(error) && code !== "DOC_TOO_LARGE") run.thrown.push({ job: waiting[index].job, error })
      },
    })
  }

  /** Before a checkpoint: drops the arrivals that were run and whose effects were delivered. */
  forgetDone(): void {
    if (this.#gather().length === 0) this.#quarantine.forget()
    const done = lsn(Math.min(this.#done, this.#effects?.done() ?? this.#done))
    if (done > this.#store.arrivals.start()) this.#store.arrivals.rollup(done)
  }

  #fail({ mutation, author }: Job, error: unknown): void {
    this.#onFailed({ mutation, user: userOf(author), error })
  }

  #commit(waiting: readonly Waiting[], results: readonly RunResult[]): ClientOutcome[] {
    for (const one of waiting) this.#suspects.delete(refKey(one))
    const changeset = this.#store.storage.commit()
    if (changeset !== null) this.#store.append(changeset)
    this.#gone.forget(this.#forgotten)
    const appliedAt = this.#store.lsn()
    return waiting.map(({ clientId, lsn: at, job }, i) => {
      const result = results[i]
      const { decided } = job
      if (decided?.type === "rejected" && decided.code !== "MUTATION_FORBIDDEN") {
        const code = decided.code as ErrorCode // one of ours: only a mutator has others, and this one did not run
        this.#fail(job, new LfError(code, ERROR_CODES[code]))
      }
      const { uid } = job.mutation
      this.#clients.journal(clientId).applied = at
      if (result.type === "rejected" && clientId !== SERVER_CLIENT) {
        this.#outcomes.append({ clientId, lsn: at, uid, code: result.code, data: result.data })
      }
      if (result.type === "rejected") this.#effects?.marks.noteRejected(clientId, at)
      const outcome: Outcome = result.type === "applied" ? { type: "applied", lsn: appliedAt } : result
      if (clientId === SERVER_CLIENT) this.#ownOutcomes.append(uid, outcome)
      return { clientId, lsn: at, uid, outcome, name: job.mutation.name, receivedMs: job.receivedMs ?? 0 }
    })
  }

  /** Writes a rejection's code into the document, in the transaction of its group (I10). */
  #mark({ clientId, lsn: at, job }: Waiting, outcome: RunResult): void {
    if (outcome.type !== "rejected" || clientId === SERVER_CLIENT) return
    addRejection(this.db, { clientId, lsn: at, uid: job.mutation.uid, code: outcome.code })
  }

  /** Writes one row per client of the group, for the last of its mutations, in the transaction of their changes (I2). */
  #finish(done: readonly Waiting[]): void {
    const lastByClient = new Map(done.map((one) => [one.clientId, one]))
    for (const [clientId, { lsn: at, hash }] of lastByClient) {
      writeApplied(this.db, clientId, { lsn: at, hash })
      // A clone may lack what its twin has seen: its rejections are kept as long as the hashes that locate its fork.
      const old = this.#clients.seen(clientId) - HASHES_KEPT
      if (old > 0) deleteRejections(this.db, clientId, old)
    }
    this.#forgotten = this.#gone.deleteRows(this.db)
  }

  /** What was received and has not run. */
  get waitingCount(): number {
    const { arrivals } = this.#store
    let count = 0
    for (let at = nextLsn(this.#done); at <= arrivals.lsn(); at = nextLsn(at)) {
      const { clientId, from, to } = arrivals.entry(at)
      count += Math.max(0, to - Math.max(from, this.#clients.journal(clientId).applied))
    }
    return count
  }

  #gather(): Waiting[] {
    const { arrivals } = this.#store
    const waiting: Waiting[] = []
    const appliedTo = new Map<string, Lsn>()
    for (let at = nextLsn(this.#done); at <= arrivals.lsn() && waiting.length < STEP_MUTATIONS_MAX; at = nextLsn(at)) {
      const arrival = arrivals.entry(at)
      const applied = appliedTo.get(arrival.clientId) ?? this.#clients.journal(arrival.clientId).applied
      if (arrival.to <= applied && waiting.length === 0) this.#done = at
      const last = lsn(Math.min(arrival.to, applied + STEP_MUTATIONS_MAX - waiting.length))
      for (let next = nextLsn(applied); next <= last; next = nextLsn(next)) waiting.push(this.#waitingAt(arrival, next))
      if (last > applied) appliedTo.set(arrival.clientId, last)
    }
    return waiting
  }

  #upToSuspect(waiting: readonly Waiting[]): readonly Waiting[] {
    const together = waiting.slice(0, this.#quarantine.together(waiting))
    if (this.#suspects.size === 0) return together
    const at = together.findIndex((one) => this.#suspects.has(refKey(one)))
    return at === -1 ? together : together.slice(0, Math.max(at, 1))
  }

  #waitingAt(arrival: Arrival, at: Lsn): Waiting {
    const { clientId } = arrival
    const journal = this.#clients.journal(clientId)
    const hash = journal.hashAt(at)
    if (hash === undefined) return unreachable("what waits is in its client's journal")
    return { clientId, lsn: at, hash, job: this.#jobAt(arrival, at) }
  }

  #jobAt(arrival: Arrival, at: Lsn): Job {
    const who = { author: keptAuthor(arrival), receivedMs: arrival.atMs }
    let mutation: Mutation
    try {
      const sent = this.#clients.journal(arrival.clientId).entry(at)
      mutation = { ...sent, at: Math.min(sent.at, arrival.atMs + CLOCK_AHEAD_MS_MAX) }
    } catch (error) {
      return { mutation: { uid: NO_UID, name: "", args: null, at: arrival.atMs }, ...who, decided: rejectionOf(error) }
    }
    if (arrival.forbidden.includes(at)) return { mutation, ...who, decided: rejected("MUTATION_FORBIDDEN") }
    const ref = { clientId: arrival.clientId, lsn: at }
    if (this.#quarantine.isQuarantined(ref)) {
      return { mutation, ...who, decided: rejected("MUTATION_QUARANTINED") }
    }
    const stopped = this.#stopped.get(refKey(ref))
    if (stopped !== undefined) return { mutation, ...who, decided: rejected(stopped) }
    return { mutation, ...who }
  }

  /** Replaces a wasm instance that was stopped or crashed by a new one, on the committed pages. */
  async #startOver(): Promise<void> {
    this.#store.storage.revert()
    this.db = new Database(await this.#loadSqlite(), this.#store.storage)
  }
}
