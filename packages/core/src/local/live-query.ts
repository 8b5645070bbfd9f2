import { type LfError, toLfError } from "../base/error.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import type { LiveQueryState } from "./probe.ts"
import { diffRows, type RowPatch } from "./row-patch.ts"

/** What a live query sends its reader: first the rows, then patches to them; an error replaces both. */
export type LiveResult =
  | { readonly type: "rows"; readonly rows: readonly Row[]; readonly asksClock: boolean }
  | { readonly type: "patch"; readonly patch: RowPatch }
  | { readonly type: "error"; readonly error: LfError }

/** What one run of a query gave. */
export interface QueryRun {
  readonly rows: readonly Row[]
  readonly pages: ReadonlySet<number>
  readonly asksClock: boolean
}

type Shown =
  | { readonly type: "rows"; readonly rows: readonly Row[] }
  | { readonly type: "error"; readonly error: LfError }

/** A query that is kept up to date: run again if and only if a page that it read has changed content. */
export class LiveQuery {
  readonly query: Sql<unknown>
  readonly #listeners = new Set<(result: LiveResult) => void>()
  readonly #refreshes: (() => void)[] = []
  #pages: ReadonlySet<number> = new Set()
  #asksClock = false
  /** The result that the listeners got last; null: none yet. */
  #shown: Shown | null = null
  /** What the last run gave, if that is something else. */
  #news: Shown | null = null
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #runs = 0
  #ms: number | null = null

  constructor(query: Sql<unknown>) {
    this.query = query
  }

  get isUsed(): boolean {
    return this.#listeners.size > 0
  }

  /** The rows of the last run; none after an error. */
  get rows(): readonly Row[] {
    const last = this.#news ?? this.#shown
    return last?.type === "rows" ? last.rows : []
  }

  /** Its readers have a result already. */
  get isShown(): boolean {
    return this.#shown !== null
  }

  /** The listener gets what is shown at once, and everything later. Returns its undo. */
  listen(listener: (result: LiveResult) => void): () => void {
    this.#listeners.add(listener)
    if (this.#shown !== null) listener(this.#whole(this.#shown))
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Calls `done` after the listeners got the next run's result, also when nothing is new. */
  refresh(done: () => void): void {
    this.#refreshes.push(done)
  }

  /** Whether it must run again now that these pages have changed. One that ran too long waits for its pause to end. */
  reads(changed: ReadonlySet<number>, nowMs: number): boolean {
    if (nowMs < this.#pausedUntilMs) return false
    if ((this.#news ?? this.#shown)?.type !== "rows") return true
    const [few, many] = changed.size < this.#pages.size ? [changed, this.#pages] : [this.#pages, changed]
    for (const pageNo of few) if (many.has(pageNo)) return true
    return false
  }

  /** The pages that the last run read, among these. */
  common(changed: ReadonlySet<number>): ReadonlySet<number> {
    return new Set([...changed].filter((pageNo) => this.#pages.has(pageNo)))
  }

  get state(): LiveQueryState {
    const last = this.#news ?? this.#shown
    return {
      query: this.query,
      readers: this.#listeners.size,
      rowCount: last?.type === "rows" ? last.rows.length : null,
      error: last?.type === "error" ? last.error : null,
      pageCount: this.#pages.size,
      runs: this.#runs,
      ms: this.#ms,
    }
  }

  /** A run ended, with rows or an error. */
  countRun(ms: number): void {
    this.#runs++
    this.#ms = ms
  }

  /** Takes a run's result; the listeners get it in `deliver`. */
  take({ rows, pages, asksClock }: QueryRun): void {
    this.#pages = pages
    this.#asksClock = asksClock
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY
    this.#news = { type: "rows", rows }
  }

  /** Takes why a run failed. `pauseUntilMs`: no change makes it run again before. */
  fail(error: unknown, pauseUntilMs: number): void {
    this.#pausedUntilMs = pauseUntilMs
    this.#news = { type: "error", error: toLfError(error, "SQL_ERROR") }
  }

  /** Sends the listeners the difference between what they show and the last run, if there is one. */
  deliver(): void {
    const [before, after] = [this.#shown, this.#news]
    this.#news = null
    const refreshes = this.#refreshes.splice(0)
    if (after !== null) {
      const result = this.#difference(before, after)
      // Rows that did not change stay the objects that they were, and a patch is made against them.
      if (result !== null) this.#shown = after
      if (result !== null) for (const listener of [...this.#listeners]) listener(result)
    }
    for (const done of refreshes) done()
  }

  #difference(before: Shown | null, after: Shown): LiveResult | null {
    if (before?.type === "rows" && after.type === "rows") {
      const patch = diffRows(before.rows, after.rows)
      return patch === null ? null : { type: "patch", patch }
    }
    const isSame = before?.type === "error" && after.type === "error" && isSameError(before.error, after.error)
    return isSame ? null : this.#whole(after)
  }

  #whole(shown: Shown): LiveResult {
    return shown.type === "error" ? shown : { ...shown, asksClock: this.#asksClock }
  }
}

function isSameError(a: LfError, b: LfError): boolean {
  return a.code === b.code && a.message === b.message
}

/** Text and parameters in one string: raw parameters collide (1 and "1") and bigint has no JSON. */
export function queryKey(query: Sql<unknown>): string {
  return JSON.stringify([query.sql, encodeParameters(query)])
}

/**
 * The key of a live query in TanStack's cache: who, where, what, and the documents that it reads if they are others. The
 * server's `prefetch` and the hooks agree on it.
 */
export function liveQueryKey(
  user: string | null,
  doc: string,
  query: Sql<unknown>,
  joined?: { readonly docs: readonly string[]; readonly own?: string | undefined },
): readonly unknown[] {
  const key = ["lf", user, doc, query.sql, encodeParameters(query)]
  return joined === undefined ? key : [...key, joined.docs, ...(joined.own === undefined ? [] : [joined.own])]
}

function encodeParameters({ parameters }: Sql<unknown>): string[] {
  return parameters.map((value) =>
    value instanceof Uint8Array ? `x:${value.join(",")}` : `${typeof value}:${String(value)}`,
  )
}
