import type { Sql } from "@lf/core"
import { type Local, type PageOwner, queryKey, type RunCause } from "@lf/core/internal"
import type { ShownCause, ShownQuery } from "../rpc/devtools-protocol.ts"
import type { ChangedSource } from "../rpc/query-runs.ts"
import { CAUSE_PAGES_MAX, sourcesOf } from "./changed-sources.ts"

/** Queries whose runs are remembered; over it the one that ran longest ago is forgotten. */
export const QUERIES_MAX = 500

interface QueryRuns {
  runs: number
  ms: number | null
  /** Of the next run, or of the last one. */
  cause: RunCause
  /** Of `cause`, once it was looked up. */
  sources: readonly ChangedSource[] | null
}

/** How often, how long and why the live queries of one connection ran, while the panel is open. */
export class QueryLog {
  readonly #queries: Local["reads"]
  readonly #owners: (pages: ReadonlySet<number>) => ReadonlyMap<number, PageOwner>
  readonly #runs = new Map<string, QueryRuns>()

  constructor(queries: Local["reads"], owners: (pages: ReadonlySet<number>) => ReadonlyMap<number, PageOwner>) {
    this.#queries = queries
    this.#owners = owners
  }

  stale(query: Sql<unknown>, cause: RunCause): void {
    const runs = this.#runsOf(query)
    const isLarge = cause.type === "changed" && cause.pages.size > CAUSE_PAGES_MAX
    runs.cause = isLarge ? { ...cause, pages: new Set([...cause.pages].slice(0, CAUSE_PAGES_MAX)) } : cause
    runs.sources = null
  }

  ran(query: Sql<unknown>, ms: number): void {
    const runs = this.#runsOf(query)
    runs.runs++
    runs.ms = ms
  }

  /** `keyOf` gives the key of a query in TanStack's cache. */
  shown(keyOf: (query: Sql<unknown>) => readonly unknown[], docs: readonly string[] | null = null): ShownQuery[] {
    this.#findSources()
    return this.#queries.states().map(({ query, readers, rowCount, error, pageCount }) => {
      const runs = this.#runs.get(queryKey(query))
      return {
        sql: query.sql,
        parameters: query.parameters.map(parameterText),
        docs,
        key: JSON.stringify(keyOf(query)),
        readers,
        rows: rowCount,
        error: error === null ? null : { code: error.code, message: error.message },
        pages: pageCount,
        ms: runs?.ms ?? null,
        runs: runs?.runs ?? 0,
        cause: runs === undefined ? { type: "unseen" } : shownCause(runs),
      }
    })
  }

  /** Looks up the owners of all changed pages that are not known yet, at once. */
  #findSources(): void {
    const open = [...this.#runs.values()].filter(({ cause, sources }) => cause.type === "changed" && sources === null)
    if (open.length === 0) return
    const wanted = new Set(open.flatMap(({ cause }) => (cause.type === "changed" ? [...cause.pages] : [])))
    const owners = this.#owners(wanted)
    for (const runs of open) if (runs.cause.type === "changed") runs.sources = sourcesOf(runs.cause.pages, owners)
  }

  #runsOf(query: Sql<unknown>): QueryRuns {
    const key = queryKey(query)
    const runs = this.#runs.get(key) ?? { runs: 0, ms: null, cause: { type: "first" }, sources: null }
    this.#runs.delete(key)
    this.#runs.set(key, runs)
    dropOldest(this.#runs, QUERIES_MAX)
    return runs
  }
}

export function dropOldest(kept: Map<string, unknown>, max: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= max) return
    kept.delete(key)
  }
}

function shownCause({ cause, sources }: QueryRuns): ShownCause {
  if (cause.type !== "changed") return cause
  return cause.pages.size === 0 ? { type: "failed" } : { type: "changed", sources: sources ?? [] }
}

function parameterText(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return typeof value === "string" ? JSON.stringify(value) : String(value)
}
