import type { Mutation, Sql } from "@lf/core"
import {
  type Local,
  type LocalProbe,
  liveQueryKey,
  type MutationOutcome,
  type RunCause,
  type RunResult,
  toLfError,
} from "@lf/core/internal"
import type { ShownError, ShownMutation, ShownQuery } from "../rpc/devtools-protocol.ts"
import { ownersOf } from "./changed-sources.ts"
import { dropOldest, QueryLog } from "./query-log.ts"

/** Mutations that the panel can show, besides what is pending. */
export const MUTATIONS_MAX = 200
/** Mutations that were pending when the panel was opened, oldest first. */
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
    const { timeline } = local.inside
    let left = PENDING_SHOWN_MAX
    for (const mutation of timeline.pendingAfter(timeline.start())) {
      if (left-- === 0) break
      this.#keep(shown(mutation))
    }
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
    for (const { uid, outcome } of outcomes) {
      const known = this.#mutations.get(uid)
      if (known === undefined) continue
      const lsn = outcome.type === "applied" ? outcome.lsn : null
      this.#keep({ ...known, outcome: outcome.type, lsn, error: errorOf(outcome) })
    }
  }

  /** What was written since the panel was opened, what was pending then, and open rejections; newest first. */
  mutations(): ShownMutation[] {
    const all = new Map(this.#mutations)
    for (const rejection of this.#local.rejections.slice(-MUTATIONS_MAX)) {
      const { uid, code, data } = rejection
      if (!all.has(uid)) all.set(uid, { ...shown(rejection), outcome: "rejected", error: rejectionError(code, data) })
    }
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
