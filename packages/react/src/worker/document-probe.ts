import type { Mutation, Sql } from "@lf/core"
import {
  type Local,
  type LocalProbe,
  liveQueryKey,
  type MutationOutcome,
  type PageOwner,
  pageOwners,
  type RunCause,
  type RunResult,
  toLfError,
} from "@lf/core/internal"
import type { ShownError, ShownMutation, ShownQuery } from "../rpc/devtools-protocol.ts"
import { dropOldest, QueryLog } from "./query-log.ts"

/** Mutations that the panel can show, besides what is pending. */
export const MUTATIONS_MAX = 200
/** Pending mutations that are shown, oldest first. */
export const PENDING_SHOWN_MAX = 200
export const MUTATION_ARGS_CHARS_MAX = 2_000

/** What is collected of one document while the panel is open, in rings of fixed length. */
export class DocumentProbe implements LocalProbe {
  readonly #local: Local
  readonly #queries: QueryLog
  /** In the order of their first run. */
  readonly #mutations = new Map<string, ShownMutation>()

  constructor(local: Local) {
    this.#local = local
    this.#queries = new QueryLog(local.reads, (pages) => ownersOf(local, pages))
    local.probe = this
  }

  stop(): void {
    this.#local.probe = null
  }

  stale(query: Sql<unknown>, cause: RunCause): void {
    this.#queries.stale(query, cause)
  }

  ran(query: Sql<unknown>, ms: number): void {
    this.#queries.ran(query, ms)
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
    return this.#queries.shown((query) => liveQueryKey(names.user, names.doc, query))
  }

  #keep(mutation: ShownMutation): void {
    this.#mutations.set(mutation.uid, mutation)
    dropOldest(this.#mutations, MUTATIONS_MAX)
  }
}

/** Of pages of one document. */
export function ownersOf({ inside }: Local, pages: ReadonlySet<number>): ReadonlyMap<number, PageOwner> {
  const { db, storage } = inside
  return db.crash === null ? pageOwners({ db, pages: storage }, pages) : new Map()
}

function shown({ uid, name, args, at }: Pick<Mutation, "uid" | "name" | "args" | "at">): ShownMutation {
  return { uid, name, args: argsText(args), at, outcome: "pending", ms: null, lsn: null, error: null }
}

function errorOf(outcome: MutationOutcome["outcome"]): ShownError | null {
  if (outcome.type === "rejected") return rejectionError(outcome.code, outcome.data)
  return outcome.type === "unknown" ? { code: outcome.reason, message: "the server's answer is not known" } : null
}

/** In development a rejection carries the message of what the mutator threw at the server. */
function rejectionError(code: string, data: unknown): ShownError {
  if (data === null) return { code, message: "rejected by the server" }
  const isMessage = typeof data === "object" && "message" in data && typeof data.message === "string"
  return { code, message: isMessage ? String(data.message) : argsText(data) }
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
