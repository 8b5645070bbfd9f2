import type { LfError, Query, Row } from "@lf/core"
import { diffRows, patchRows } from "@lf/core/internal"
import { type Query as CachedQuery, focusManager, type QueryKey } from "@tanstack/react-query"
import type { SentResult } from "../rpc/protocol.ts"
import { sentToError } from "../rpc/sent-error.ts"
import type { TabDocument } from "../tab/tab-document.ts"
import type { Joined, ResultListener, TabSubscription } from "../tab/tab-queries.ts"

/** A query without observers is stopped after this long: fast remounts come back sooner. */
const IDLE_STOP_MS = 1_000
/** Queries that read the time run again this often, unless the app sets `refetchInterval`. */
const CLOCK_MS = 1_000

interface Waiting {
  readonly turn: number
  readonly resolve: (rows: readonly Row[]) => void
  readonly reject: (error: LfError) => void
}

/** Rows as the worker sent them: their identity is already stable. */
const settledRows = new WeakSet<object>()

/** Marks a list whose equal items are already the same objects as before. */
export function markSettled<T extends readonly unknown[]>(rows: T): T {
  settledRows.add(rows)
  return rows
}

export function isSettled(value: unknown): boolean {
  return typeof value === "object" && value !== null && settledRows.has(value)
}

/**
 * One live query, and TanStack's cached queries that show it. It runs in the worker while an enabled observer watches
 * one of them, and during a fetch. It never runs for a query that is disabled or hidden (H5).
 */
export class LiveKey {
  readonly key: QueryKey
  readonly #query: Query<unknown>
  readonly #joined: Joined | undefined
  readonly #document: () => TabDocument
  readonly #onUnused: () => void
  readonly #cached = new Set<CachedQuery>()
  #subscription: TabSubscription | null = null
  /** The worker's last result; null: none, or an error. */
  #rows: readonly Row[] | null = null
  #error: LfError | null = null
  /** The rows that were shown before a resubscription: equal rows keep these objects. */
  #before: readonly Row[] = []
  #asksClock = false
  #waiting: Waiting[] = []
  #pushed: LfError | null = null
  #wasActive = false
  #idleClose: ReturnType<typeof setTimeout> | undefined
  #clock: ReturnType<typeof setTimeout> | undefined

  constructor(options: {
    readonly key: QueryKey
    readonly query: Query<unknown>
    readonly joined: Joined | undefined
    readonly document: () => TabDocument
    readonly onUnused: () => void
  }) {
    this.key = options.key
    this.#query = options.query
    this.#joined = options.joined
    this.#document = options.document
    this.#onUnused = options.onUnused
  }

  /** A cached query of this key changed: its observers, or their options. */
  look(query: CachedQuery): void {
    this.#cached.add(query)
    this.#update()
  }

  /** It was removed from the cache. */
  remove(query: CachedQuery): void {
    this.#cached.delete(query)
    if (this.#cached.size > 0) {
      this.#update()
      return
    }
    // TanStack has cancelled the fetch.
    this.#waiting = []
    this.#stop()
    this.#onUnused()
  }

  /** A fetch that resolves after a newer push must not overwrite it with older rows. */
  keepNewest(query: CachedQuery): void {
    if (this.#subscription !== null && this.#rows !== null) this.#show(query, this.#rows)
  }

  /** TanStack's `queryFn`: current rows, from a new run. */
  fetch(): Promise<readonly Row[]> {
    if (this.#pushed !== null) return Promise.reject(this.#pushed)
    const turn = this.#subscription?.refresh() ?? 0
    return new Promise((resolve, reject) => {
      this.#waiting.push({ turn, resolve, reject })
      this.#update()
    })
  }

  get #isActive(): boolean {
    for (const query of this.#cached) if (query.isActive()) return true
    return false
  }

  #update(): void {
    const isActive = this.#isActive
    if (isActive || this.#waiting.length > 0) {
      clearTimeout(this.#idleClose)
      this.#idleClose = undefined
      const receive: ResultListener = (result, turn) => this.#receive(result, turn)
      this.#subscription ??= this.#document().subscribe(this.#query, receive, this.#joined)
      if (isActive && !this.#wasActive) this.#showAll()
    } else if (this.#subscription !== null) this.#idleClose ??= setTimeout(() => this.#stop(), IDLE_STOP_MS)
    this.#wasActive = isActive
    this.#expectClock()
  }

  #stop(): void {
    clearTimeout(this.#idleClose)
    clearTimeout(this.#clock)
    this.#idleClose = undefined
    this.#clock = undefined
    if (this.#subscription === null) return
    const subscription = this.#subscription
    this.#subscription = null
    this.#before = this.#rows ?? this.#before
    this.#rows = null
    this.#error = null
    // The cached rows are not live any more: without this a later fetch would return them as current.
    for (const query of this.#cached) query.invalidate()
    subscription.stop()
  }

  #receive(result: SentResult, turn: number | null): void {
    if (this.#subscription === null) return
    const answered = turn === null ? [] : this.#waiting.filter((one) => one.turn <= turn)
    if (turn !== null) this.#waiting = this.#waiting.filter((one) => one.turn > turn)
    // "same" refers to what was sent last, perhaps an error.
    const error = result.type === "error" ? sentToError(result.error) : result.type === "same" ? this.#error : null
    if (error !== null) this.#takeError(error, answered)
    else if (result.type !== "error") this.#takeRows(result, answered)
    this.#update()
  }

  #takeRows(result: Exclude<SentResult, { type: "error" }>, answered: readonly Waiting[]): void {
    if (result.type === "rows") {
      this.#asksClock = result.asksClock
      this.#rows = keepRows(this.#rows ?? this.#before, result.rows)
    } else if (result.type === "patch") this.#rows = markSettled(patchRows(this.#rows ?? [], result.patch))
    this.#error = null
    const rows = this.#rows ?? []
    if (result.type !== "same") this.#showAll()
    for (const { resolve } of answered) resolve(rows)
  }

  #takeError(error: LfError, answered: readonly Waiting[]): void {
    const isNew = this.#error?.code !== error.code || this.#error.message !== error.message
    this.#rows = null
    this.#error = error
    if (isNew) this.#document().errors.report(error, {}, true)
    for (const { reject } of answered) reject(error)
    if (isNew || answered.length > 0) this.#push(error)
  }

  /** Ends like a failed fetch, so that TanStack calls its callbacks and `retry` applies. */
  #push(error: LfError): void {
    this.#pushed = error
    for (const query of this.#cached) {
      if (query.state.fetchStatus === "idle" && query.isActive() && query.state.error !== error)
        query.fetch().catch(() => {}) // the error is in the query's state
    }
    this.#pushed = null
  }

  #showAll(): void {
    if (this.#rows === null) return
    for (const query of this.#cached) {
      if (query.isActive()) this.#show(query, this.#rows)
      // Without observers a later fetch would return old rows.
      else if (!query.state.isInvalidated) query.invalidate()
    }
  }

  #show(query: CachedQuery, rows: readonly Row[]): void {
    const { data, status, isInvalidated } = query.state
    if (data !== rows || status !== "success" || isInvalidated) query.setData(rows, { manual: true })
  }

  /** What reads the time changes without a write: it runs again while it has observers. */
  #expectClock(): void {
    const isWanted = this.#asksClock && this.#wasActive && !this.#hasInterval
    if (!isWanted) {
      clearTimeout(this.#clock)
      this.#clock = undefined
      return
    }
    this.#clock ??= setTimeout(() => {
      this.#clock = undefined
      if (focusManager.isFocused()) this.#subscription?.refresh()
      this.#expectClock()
    }, CLOCK_MS)
  }

  get #hasInterval(): boolean {
    for (const { observers } of this.#cached)
      for (const { options } of observers) if (options.refetchInterval !== undefined) return true
    return false
  }
}

/** The new rows, with the old objects for equal ones. */
function keepRows(before: readonly Row[], after: readonly Row[]): readonly Row[] {
  const patch = before.length === 0 ? undefined : diffRows(before, after)
  if (patch === null) return markSettled(before)
  return markSettled(patch === undefined ? after : patchRows(before, patch))
}
