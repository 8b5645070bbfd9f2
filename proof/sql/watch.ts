import { type Database, isLfError, type LiveResult, patchRows, type Row, type Sql, type View } from "@lf/core/testing"
import { hexOf } from "./statement.ts"

interface Watched {
  readonly query: Sql
  stop: () => void
  /** What its reader has on the screen: the first rows and every patch since. */
  shown: readonly Row[] | string
}

/** Live queries, each held against the same query run anew: what was judged not to be affected must not have changed. */
export class Watch {
  readonly #view: View
  readonly #watched: Watched[] = []
  /** Queries that were not run again because no page that they read had changed. */
  saved = 0

  constructor(view: View) {
    this.#view = view
  }

  get count(): number {
    return this.#watched.length
  }

  add(query: Sql): void {
    const watched: Watched = { query, shown: [], stop: () => {} }
    const { stop } = this.#view.subscribe(query, (result) => {
      watched.shown = shownAfter(watched.shown, result)
    })
    watched.stop = stop
    this.#watched.push(watched)
  }

  dropOldest(): void {
    this.#watched.shift()?.stop()
  }

  /** Notifies once; null, or a query that shows what is not there. */
  check(): string | null {
    const before = this.#view.queries.runs
    this.#view.notify()
    this.saved += this.count - (this.#view.queries.runs - before)
    return this.compareWith(this.#view.db)
  }

  /** Null, or a query that answers otherwise on `db`. */
  compareWith(db: Database): string | null {
    for (const { query, shown } of this.#watched) {
      const fresh = textOf(run(db, query))
      const onScreen = textOf(shown)
      if (fresh !== onScreen) {
        return `${query.sql} ${JSON.stringify(query.parameters.map(String))}\n  shows ${onScreen.slice(0, 300)}\n  is    ${fresh.slice(0, 300)}`
      }
    }
    return null
  }
}

function shownAfter(shown: Watched["shown"], result: LiveResult): Watched["shown"] {
  if (result.type === "rows") return result.rows
  if (result.type === "error") return result.error.code
  return typeof shown === "string" ? "a patch to an error" : patchRows(shown, result.patch)
}

function run(db: Database, query: Sql): Watched["shown"] {
  try {
    return db.all<Row>(query as Sql<Row>)
  } catch (error) {
    if (isLfError(error)) return error.code
    throw error
  }
}

function textOf(shown: Watched["shown"]): string {
  if (typeof shown === "string") return shown
  return JSON.stringify(shown, (_name, value: unknown) => {
    if (typeof value === "bigint") return `bigint ${value}`
    if (value instanceof Uint8Array) return `blob ${hexOf(value)}`
    return typeof value === "number" && !Number.isFinite(value) ? `number ${value}` : value
  })
}
