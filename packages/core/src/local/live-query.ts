import { type LfError, toLfError } from "../base/error.ts"
import type { Database } from "../sqlite/database.ts"
import type { Sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import { diffRows, type RowPatch } from "./row-patch.ts"

/** What a live query tells its reader: first the rows, then patches to them; an error replaces both. */
export type LiveResult =
  | { readonly type: "rows"; readonly rows: readonly Row[] }
  | { readonly type: "patch"; readonly patch: RowPatch }
  | { readonly type: "error"; readonly error: LfError }

/** A query that is kept up to date: run again if and only if a page that it read has changed content. */
export class LiveQuery {
  readonly query: Sql<unknown>
  readonly #listeners = new Set<(result: LiveResult) => void>()
  #pages: ReadonlySet<number> = new Set()
  #rows: readonly Row[] | null = null
  #error: LfError | null = null

  constructor(query: Sql<unknown>) {
    this.query = query
  }

  get isUsed(): boolean {
    return this.#listeners.size > 0
  }

  /** The listener gets the rows at once, then every change. Returns its undo. */
  listen(db: Database, listener: (result: LiveResult) => void): () => void {
    if (this.#rows === null) this.run(db)
    this.#listeners.add(listener)
    listener(this.#current())
    return () => {
      this.#listeners.delete(listener)
    }
  }

  reads(changed: ReadonlySet<number>): boolean {
    if (this.#rows === null) return true
    const [few, many] = changed.size < this.#pages.size ? [changed, this.#pages] : [this.#pages, changed]
    for (const pageNo of few) if (many.has(pageNo)) return true
    return false
  }

  run(db: Database): void {
    try {
      const { rows, pages } = db.track(this.query)
      this.#pages = pages
      this.#become(rows)
    } catch (error) {
      this.#rows = null
      this.#error = toLfError(error, "SQL_ERROR")
      this.#tell(this.#current())
    }
  }

  #become(rows: readonly Row[]): void {
    const before = this.#rows
    if (before === null) {
      this.#rows = rows
      this.#error = null
      this.#tell(this.#current())
      return
    }
    const patch = diffRows(before, rows)
    if (patch === null) return
    this.#rows = rows
    this.#tell({ type: "patch", patch })
  }

  #current(): LiveResult {
    if (this.#error !== null) return { type: "error", error: this.#error }
    return { type: "rows", rows: this.#rows ?? [] }
  }

  #tell(result: LiveResult): void {
    for (const listener of this.#listeners) listener(result)
  }
}

/** The live queries of one document, one per text and parameters however many readers it has. */
export class LiveQueries {
  readonly #byKey = new Map<string, LiveQuery>()
  /** How many times a query ran, for benchmarks and tests. */
  runs = 0

  listen(db: Database, query: Sql<unknown>, listener: (result: LiveResult) => void): () => void {
    const key = queryKey(query)
    const live = this.#byKey.get(key) ?? new LiveQuery(query)
    if (!this.#byKey.has(key)) this.runs++
    this.#byKey.set(key, live)
    const stop = live.listen(db, listener)
    return () => {
      stop()
      if (!live.isUsed && this.#byKey.get(key) === live) this.#byKey.delete(key)
    }
  }

  /** Runs again what read a changed page. */
  notify(db: Database, changed: ReadonlySet<number>): void {
    if (changed.size === 0) return
    for (const live of this.#byKey.values()) {
      if (!live.reads(changed)) continue
      this.runs++
      live.run(db)
    }
  }
}

/** Text and parameters in one string: raw parameters collide (1 and "1") and bigint has no JSON. */
export function queryKey(query: Sql<unknown>): string {
  return JSON.stringify([query.sql, encodeParameters(query)])
}

/** The key of a live query in TanStack's cache: who, where, what. The server's `prefetch` and the hooks agree on it. */
export function liveQueryKey(user: string | null, doc: string, query: Sql<unknown>): readonly unknown[] {
  return ["lf", user, doc, query.sql, encodeParameters(query)]
}

function encodeParameters({ parameters }: Sql<unknown>): string[] {
  return parameters.map((value) =>
    value instanceof Uint8Array ? `x:${value.join(",")}` : `${typeof value}:${String(value)}`,
  )
}
