import { LfError, toLfError } from "../base/error.ts"
import { ERROR_CODES } from "../base/error-codes.ts"
import type { Host } from "../base/host.ts"
import { type Database, QUERY_MS_MAX, QUERY_STEPS_MAX } from "../sqlite/database.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import { LiveQuery, type LiveResult, queryKey } from "./live-query.ts"
import type { LiveQueryState, QueryProbe, RunCause } from "./probe.ts"

/** Work in one slice before the event loop gets its turn, in ms. One query is never cut by it. */
const SLICE_MS = 20
/** Results of one commit reach their readers together, but no reader waits longer than this for a slow one among them. */
const TOGETHER_MS_MAX = 250
/** A query that was stopped is not run again by the next change: every keystroke would cost its whole budget. */
const PAUSE_MS = 30_000
const LANES = ["stale", "reads", "stale", "fresh"] as const

export interface LiveQueriesOptions {
  readonly db: Database
  readonly host: Host
  /** For tests: the slice is over after so many runs, whatever the clock says. */
  readonly runsPerSlice?: number | undefined
  /** Keys of queries and uids of mutations that crashed SQLite in this process (T43). */
  readonly crashed?: Set<string>
  /** Called when SQLite crashed: the connection must not be used any more. */
  readonly onCrash?: (error: LfError) => void
}

interface Read {
  readonly query: Sql<unknown>
  readonly resolve: (rows: Row[]) => void
  readonly reject: (error: LfError) => void
}

/** A subscribed query: stops it, or runs it again although nothing has changed. */
export interface LiveSubscription {
  /** Runs the query again; calls `done` after its readers. */
  refresh(done: () => void): void
  stop(): void
}

/**
 * Runs the reads of one document: live queries, one per text and parameters however many readers it has, and single
 * reads. Work is done in slices of time, so that a mutation, or another document, is never behind all of it (H8).
 * Without the host's `yieldToLoop` everything is done in one slice.
 */
export class LiveQueries {
  readonly #db: Database
  readonly #host: Host
  readonly #runsPerSlice: number
  readonly #crashed: Set<string>
  readonly #onCrash: (error: LfError) => void
  readonly #byKey = new Map<string, LiveQuery>()
  /** To be run again, in the order in which they became stale. Their readers see an older state of the database. */
  readonly #stale = new Set<LiveQuery>()
  /** To be run for the first time. */
  readonly #fresh = new Set<LiveQuery>()
  readonly #reads: Read[] = []
  /** Ran, but not delivered yet. */
  readonly #ran = new Set<LiveQuery>()
  /** Waits for a delivery, each until so many stale queries were run. */
  readonly #waiters: { readonly staleRuns: number; readonly resolve: () => void }[] = []
  #staleRuns = 0
  #staleSinceMs: number | null = null
  /** Length of the last slice in ms, and below when it ended. */
  #debtMs = 0
  #debtAtMs = 0
  #runsInSlice = 0
  #isYielding = false
  #end: LfError | null = null
  /** How many times a query ran, for benchmarks and tests. */
  runs = 0
  readonly #probes = new Set<QueryProbe>()

  constructor(options: LiveQueriesOptions) {
    const { db, host, runsPerSlice = Number.POSITIVE_INFINITY, crashed = new Set(), onCrash = () => {} } = options
    this.#crashed = crashed
    this.#onCrash = onCrash
    this.#db = db
    this.#host = host
    this.#runsPerSlice = runsPerSlice
  }

  /** Nothing is left to run or to deliver. */
  get isIdle(): boolean {
    return this.#stale.size === 0 && this.#fresh.size === 0 && this.#reads.length === 0 && this.#ran.size === 0
  }

  get count(): number {
    return this.#byKey.size
  }

  /** The live queries as they are now. */
  states(): LiveQueryState[] {
    return Array.from(this.#byKey.values(), (live) => live.state)
  }

  /** Calls `probe` with each run from now on. Returns its undo. */
  watchRuns(probe: QueryProbe): () => void {
    this.#probes.add(probe)
    return () => void this.#probes.delete(probe)
  }

  listen(query: Sql<unknown>, listener: (result: LiveResult) => void): LiveSubscription {
    const key = queryKey(query)
    const live = this.#byKey.get(key) ?? new LiveQuery(query)
    this.#byKey.set(key, live)
    const stop = live.listen(listener)
    if (!live.isShown) {
      this.#report(live, { type: "first" })
      this.#fresh.add(live)
    }
    this.#work()
    return {
      refresh: (done) => {
        live.refresh(done)
        this.#report(live, { type: "refresh" })
        if (live.isShown) this.#staleNow(live)
        else this.#fresh.add(live)
        this.#work()
      },
      stop: () => {
        stop()
        if (live.isUsed || this.#byKey.get(key) !== live) return
        this.#byKey.delete(key)
        for (const set of [this.#stale, this.#fresh, this.#ran]) set.delete(live)
        this.#deliverIfDone()
      },
    }
  }

  /** Rows of a query as it is when its turn comes. @throws SQL_ERROR SQL_DENIED SQL_LIMIT LOG_CLOSED */
  read(query: Sql<unknown>): Promise<Row[]> {
    if (this.#end !== null) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      this.#reads.push({ query, resolve, reject })
      this.#work()
    })
  }

  /** Runs a query within its budget, at once. */
  run(query: Sql<unknown>): Row[] {
    return this.#within(query, () => this.#db.all<Row>(query as Sql<Row>)) // as below
  }

  /** These pages have changed, by this mutation or (null) by the server: what read one of them runs again. */
  notify(changed: ReadonlySet<number>, mutation: string | null = null): void {
    const nowMs = this.#host.monotonicMs()
    if (changed.size > 0) {
      for (const live of this.#byKey.values()) {
        if (!live.isShown || !live.reads(changed, nowMs)) continue
        this.#staleNow(live)
        if (this.#probes.size > 0) this.#report(live, { type: "changed", pages: live.common(changed) })
      }
      for (const probe of this.#probes) probe.changed?.({ pages: changed, mutation })
      // What was run for this delivery and not delivered yet is as old as what was.
      for (const live of this.#ran) if (!live.isShown && live.reads(changed, nowMs)) this.#fresh.add(live)
    }
    this.#work()
  }

  /** Everything may have changed: all run again. */
  renew(): void {
    for (const live of this.#byKey.values()) if (live.isShown) this.#staleNow(live)
    for (const live of this.#ran) if (!live.isShown) this.#fresh.add(live)
    this.#work()
  }

  /** Resolves when readers have the changes so far; undefined: they have them. */
  whenDelivered(): Promise<void> | undefined {
    if (this.#stale.size === 0 && this.#ran.size === 0) return undefined
    // They are run in the order in which they became stale: so many runs, and all of these were among them.
    const staleRuns = this.#staleRuns + this.#stale.size
    return new Promise((resolve) => {
      this.#waiters.push({ staleRuns, resolve })
    })
  }

  /** The connection is about to be closed. */
  close(error: LfError): void {
    this.#end = error
    for (const set of [this.#stale, this.#fresh, this.#ran]) set.clear()
    for (const { reject } of this.#reads.splice(0)) reject(error)
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  #staleNow(live: LiveQuery): void {
    this.#stale.add(live)
    this.#staleSinceMs ??= this.#host.monotonicMs()
  }

  /** Works until nothing is left or the slice is over; then yields to the event loop and continues. */
  #work(): void {
    if (this.#isYielding || this.#end !== null) return
    const nowMs = () => this.#host.monotonicMs()
    // Work of a moment ago counts: a thousand small calls in a row are one long slice.
    const startedMs = nowMs() - Math.max(0, this.#debtMs - (nowMs() - this.#debtAtMs))
    while (this.#runNext()) {
      this.#deliverIfDone()
      if (!this.#isSliceOver(nowMs() - startedMs)) continue
      this.#yield()
      break
    }
    this.#deliverIfDone()
    this.#debtAtMs = nowMs()
    this.#debtMs = this.#debtAtMs - startedMs
  }

  #isSliceOver(workedMs: number): boolean {
    if (this.#host.yieldToLoop === undefined) return false
    this.#runsInSlice++
    return workedMs > SLICE_MS || this.#runsInSlice >= this.#runsPerSlice
  }

  #yield(): void {
    this.#isYielding = true
    void this.#host.yieldToLoop?.().then(() => {
      this.#isYielding = false
      this.#debtMs = 0
      this.#runsInSlice = 0
      this.#work()
    })
  }

  /** Runs one query. The lanes alternate, so that none waits for ever; shown queries get every second turn. */
  #runNext(): boolean {
    for (let i = 0; i < LANES.length; i++) {
      if (!this.#runLane(LANES[(this.runs + i) % LANES.length])) continue
      this.runs++
      return true
    }
    return false
  }

  #runLane(lane: (typeof LANES)[number]): boolean {
    if (lane === "reads") {
      const read = this.#reads.shift()
      if (read !== undefined) this.#answer(read)
      return read !== undefined
    }
    const set = lane === "stale" ? this.#stale : this.#fresh
    for (const live of set) {
      set.delete(live)
      if (lane === "stale") this.#staleRuns++
      this.#run(live)
      return true
    }
    return false
  }

  #run(live: LiveQuery): void {
    const startedMs = this.#host.monotonicMs()
    try {
      live.take(this.#within(live.query, () => this.#db.track<Row>(live.query as Sql<Row>, live.rows))) // a query without a type of its own
    } catch (error) {
      const isStopped = toLfError(error, "SQL_ERROR").code === "SQL_LIMIT"
      live.fail(error, isStopped ? this.#host.monotonicMs() + PAUSE_MS : Number.NEGATIVE_INFINITY)
    }
    this.#ran.add(live)
    const ms = this.#host.monotonicMs() - startedMs
    live.countRun(ms)
    for (const probe of this.#probes) probe.ran(live.query, ms, live.state)
  }

  #report({ query }: LiveQuery, cause: RunCause): void {
    for (const probe of this.#probes) probe.stale(query, cause)
  }

  #answer({ query, resolve, reject }: Read): void {
    try {
      resolve(this.run(query))
    } catch (error) {
      reject(toLfError(error, "SQL_ERROR"))
    }
  }

  #within<T>(query: Sql<unknown>, work: () => T): T {
    if (this.#crashed.size > 0 && this.#crashed.has(queryKey(query)))
      throw new LfError("SQL_CRASHED", ERROR_CODES.SQL_CRASHED)
    const wasSound = this.#db.crash === null
    const nowMs = () => this.#host.monotonicMs()
    try {
      return this.#db.within({ steps: QUERY_STEPS_MAX, deadline: { atMs: nowMs() + QUERY_MS_MAX, nowMs } }, work)
    } catch (error) {
      const { crash } = this.#db
      if (crash !== null && wasSound) this.#crashed.add(queryKey(query))
      // Each time: where a stack was at its end, what is called here may have failed as well.
      if (crash !== null) this.#onCrash(crash)
      throw error
    }
  }

  /** One commit's results together (I6); past TOGETHER_MS_MAX those that were run, though some have changed again. */
  #deliverIfDone(): void {
    const isWhole = this.#stale.size === 0
    const nowMs = this.#host.monotonicMs()
    if (!isWhole && nowMs - (this.#staleSinceMs ?? nowMs) < TOGETHER_MS_MAX) return
    this.#staleSinceMs = isWhole ? null : nowMs
    for (const live of [...this.#ran]) {
      if (isWhole && this.#fresh.has(live)) continue
      this.#ran.delete(live)
      live.deliver()
    }
    while (this.#waiters.length > 0 && (isWhole || this.#waiters[0].staleRuns <= this.#staleRuns)) {
      this.#waiters.shift()?.resolve()
    }
  }
}
