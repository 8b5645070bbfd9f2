import type { Mutation, Sql } from "@lf/core"
import {
  type Local,
  type LocalProbe,
  liveQueryKey,
  type MutationOutcome,
  type PageOwner,
  pageOwners,
  queryKey,
  type RunCause,
  type RunResult,
  toLfError,
} from "@lf/core/internal"
import type { ChangedSource, ShownCause, ShownError, ShownMutation, ShownQuery } from "../rpc/devtools-protocol.ts"

/** Mutations that the panel can show, besides what is pending. */
export const MUTATIONS_MAX = 200
/** Pending mutations that are shown, oldest first. */
export const PENDING_SHOWN_MAX = 200
/** Queries whose runs are remembered; over it the one that ran longest ago is forgotten. */
export const QUERIES_MAX = 500
/** Changed pages that are remembered of one run. */
const CAUSE_PAGES_MAX = 1_000
export const MUTATION_ARGS_CHARS_MAX = 2_000

interface QueryRuns {
  runs: number
  ms: number | null
  /** Of the next run, or of the last one. */
  cause: RunCause
  /** Of `cause`, once it was looked up. */
  sources: readonly ChangedSource[] | null
}

/** What is collected of one document while the panel is open, in rings of fixed length. */
export class DocumentProbe implements LocalProbe {
  readonly #local: Local
  readonly #queries = new Map<string, QueryRuns>()
  /** In the order of their first run. */
  readonly #mutations = new Map<string, ShownMutation>()

  constructor(local: Local) {
    this.#local = local
    local.probe = this
  }

  stop(): void {
    this.#local.probe = null
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

  mutated(mutation: Mutation, { outcome, thrown, ms }: { outcome: RunResult; thrown: unknown; ms: number }): void {
    const isKept = outcome.type === "applied"
    const error = isKept ? null : thrownError(outcome.code, thrown)
    this.#keep({ ...shown(mutation), ms, outcome: isKept ? "pending" : "threw", error })
  }

  decided(outcomes: readonly MutationOutcome[]): void {
    const pending = new Map(this.#local.pending().map((mutation) => [mutation.uid, mutation]))
    const rejections = new Map(this.#local.rejections.map((rejection) => [rejection.uid, rejection]))
    for (const { uid, outcome } of outcomes) {
      const mutation = pending.get(uid) ?? rejections.get(uid)
      const known = this.#mutations.get(uid) ?? (mutation === undefined ? undefined : shown(mutation))
      if (known === undefined) continue
      const lsn = outcome.type === "applied" ? outcome.lsn : null
      this.#keep({ ...known, outcome: outcome.type, lsn, error: errorOf(outcome) })
    }
  }

  /** Pending mutations, also those from before the panel was opened, and the decided ones; newest first. */
  mutations(): ShownMutation[] {
    const all = new Map(this.#mutations)
    for (const rejection of this.#local.rejections) {
      const { uid, code, data } = rejection
      if (!all.has(uid)) all.set(uid, { ...shown(rejection), outcome: "rejected", error: rejectionError(code, data) })
    }
    for (const mutation of this.#local.pending().slice(0, PENDING_SHOWN_MAX))
      if (!all.has(mutation.uid)) all.set(mutation.uid, shown(mutation))
    return [...all.values()].sort((a, b) => b.at - a.at)
  }

  queries(names: { readonly user: string | null; readonly doc: string }): ShownQuery[] {
    this.#findSources()
    return this.#local.reads.states().map(({ query, readers, rowCount, error, pageCount }) => {
      const runs = this.#queries.get(queryKey(query))
      return {
        sql: query.sql,
        parameters: query.parameters.map(parameterText),
        key: JSON.stringify(liveQueryKey(names.user, names.doc, query)),
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

  /** Looks up the owners of all changed pages that are not known yet, in one walk. */
  #findSources(): void {
    const open = [...this.#queries.values()].filter(
      ({ cause, sources }) => cause.type === "changed" && sources === null,
    )
    if (open.length === 0) return
    const wanted = new Set(open.flatMap(({ cause }) => (cause.type === "changed" ? [...cause.pages] : [])))
    const { db, storage } = this.#local.inside
    if (db.crash !== null) return
    const owners = pageOwners({ db, pages: storage }, wanted)
    for (const runs of open) if (runs.cause.type === "changed") runs.sources = sourcesOf(runs.cause.pages, owners)
  }

  #runsOf(query: Sql<unknown>): QueryRuns {
    const key = queryKey(query)
    const runs = this.#queries.get(key) ?? { runs: 0, ms: null, cause: { type: "first" }, sources: null }
    this.#queries.delete(key)
    this.#queries.set(key, runs)
    dropOldest(this.#queries, QUERIES_MAX)
    return runs
  }

  #keep(mutation: ShownMutation): void {
    this.#mutations.set(mutation.uid, mutation)
    dropOldest(this.#mutations, MUTATIONS_MAX)
  }
}

function dropOldest(kept: Map<string, unknown>, max: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= max) return
    kept.delete(key)
  }
}

function shown({ uid, name, args, at }: Pick<Mutation, "uid" | "name" | "args" | "at">): ShownMutation {
  return { uid, name, args: argsText(args), at, outcome: "pending", ms: null, lsn: null, error: null }
}

function shownCause({ cause, sources }: QueryRuns): ShownCause {
  if (cause.type !== "changed") return cause
  return cause.pages.size === 0 ? { type: "failed" } : { type: "changed", sources: sources ?? [] }
}

function sourcesOf(pages: ReadonlySet<number>, owners: ReadonlyMap<number, PageOwner>): ChangedSource[] {
  const counts = new Map<string, { owner: PageOwner; pages: number }>()
  for (const pageNo of pages) {
    // On no tree any more: the page went to the freelist.
    const owner = owners.get(pageNo) ?? { table: "(free or not found)", index: null }
    const key = JSON.stringify(owner)
    counts.set(key, { owner, pages: (counts.get(key)?.pages ?? 0) + 1 })
  }
  return Array.from(counts.values(), ({ owner, pages: count }) => ({ ...owner, pages: count }))
}

function errorOf(outcome: MutationOutcome["outcome"]): ShownError | null {
  if (outcome.type === "rejected") return rejectionError(outcome.code, outcome.data)
  return outcome.type === "unknown" ? { code: outcome.reason, message: "the server's answer is not known" } : null
}

/** In development a rejection carries the message of what the mutator threw at the server. */
function rejectionError(code: string, data: unknown): ShownError {
  return { code, message: data === null ? "rejected by the server" : argsText(data) }
}

function thrownError(code: string, thrown: unknown): ShownError {
  const { message, stack } = toLfError(thrown, "MUTATION_THREW")
  return { code, message, stack: thrown instanceof Error ? thrown.stack : stack }
}

function argsText(args: unknown): string {
  const text = JSON.stringify(args, plainText) ?? "undefined"
  return text.length > MUTATION_ARGS_CHARS_MAX ? `${text.slice(0, MUTATION_ARGS_CHARS_MAX)}…` : text
}

function plainText(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}

function parameterText(value: unknown): string {
  return value instanceof Uint8Array
    ? `${value.length} bytes`
    : typeof value === "string"
      ? JSON.stringify(value)
      : String(value)
}
