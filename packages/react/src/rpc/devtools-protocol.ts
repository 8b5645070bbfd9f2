// What the devtools' panel asks the worker, and what it is answered. Tab and worker are of one build.
import type { ChangedSource } from "./query-runs.ts"

/** An error as the panel shows it. */
export interface ShownError {
  readonly code: string
  readonly message: string
  readonly stack?: string | undefined
}

/** A document that the worker has open. */
export interface ShownDocument {
  /** Its name among the worker's documents. */
  readonly key: string
  readonly doc: string
  readonly user: string | null
  readonly status: string
  readonly error: ShownError | null
  readonly isOpen: boolean
  readonly isDurable: boolean
  readonly pending: number
  readonly lsn: number
  readonly epoch: string
  readonly pageCount: number
  /** At rest on this device, about. */
  readonly bytes: number
  readonly tabs: number
  readonly queries: number
}

/** Why a live query ran last. `unseen`: before the panel was opened. `failed`: its run before had failed. */
export type ShownCause =
  | { readonly type: "unseen" | "first" | "refresh" | "failed" }
  | { readonly type: "changed"; readonly sources: readonly ChangedSource[] }

export interface ShownQuery {
  readonly sql: string
  readonly parameters: readonly string[]
  /** The documents that it reads; null: the chosen one alone. */
  readonly docs: readonly string[] | null
  /** The hash of its key in TanStack's cache. */
  readonly key: string
  /** Tabs that read it. */
  readonly readers: number
  readonly rows: number | null
  readonly error: ShownError | null
  readonly pages: number
  /** Of the last run; null: it did not run since the panel was opened. */
  readonly ms: number | null
  readonly runs: number
  readonly cause: ShownCause
}

export interface ShownMutation {
  readonly uid: string
  readonly name: string
  /** As JSON, cut to MUTATION_ARGS_CHARS_MAX. */
  readonly args: string
  readonly at: number
  /** `threw`: refused on this device, and not kept. */
  readonly outcome: "pending" | "applied" | "rejected" | "threw" | "unknown"
  /** Of the first run here; null: it ran before the panel was opened. */
  readonly ms: number | null
  readonly lsn: number | null
  /** The code of a rejection, its data, or what it threw here. */
  readonly error: ShownError | null
}

export interface ShownConnection {
  readonly url: string
  readonly isOnlineWanted: boolean
  readonly tries: number
  readonly failures: number
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly connectedSince: number | null
  readonly transport: string | null
  /** Newest first. */
  readonly errors: readonly (ShownError & { readonly at: number })[]
}

export interface ShownDifference {
  readonly mutation: string
  readonly first: string
  readonly second: string
}

/** What changes by itself of the chosen document. */
export interface ShownDetail {
  readonly queries: readonly ShownQuery[]
  readonly mutations: readonly ShownMutation[]
  readonly connection: ShownConnection
  readonly differences: readonly ShownDifference[]
}

export interface Snapshot {
  readonly documents: readonly ShownDocument[]
  /** Of the document that was asked for; null: it is not open. */
  readonly detail: ShownDetail | null
}

export interface ShownTable {
  readonly name: string
  readonly type: string
  readonly columns: readonly { readonly name: string; readonly type: string; readonly isKey: boolean }[]
  /** Null: counting it took too long, or failed. */
  readonly rows: number | null
}

export interface ShownCell {
  readonly type: "null" | "number" | "text" | "blob"
  /** Cut to CELL_CHARS_MAX. */
  readonly text: string
}

export interface ShownRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly ShownCell[])[]
  /** Of which `rows` are the first. */
  readonly count: number
}

/** The answer to each question of the panel, by the question's type. */
export interface DevtoolsAnswers {
  /** Begins to collect, and goes on as long as it is asked at least every LEASE_MS. */
  readonly watch: Snapshot
  readonly tables: readonly ShownTable[]
  readonly rows: ShownRows
  readonly sql: ShownRows
  /** The bug file's text. */
  readonly export: string
  readonly stop: null
}

export type DevtoolsQuestion =
  | { readonly type: "watch"; readonly key: string | null }
  | { readonly type: "tables"; readonly key: string }
  | { readonly type: "rows"; readonly key: string; readonly table: string; readonly offset: number }
  | { readonly type: "sql"; readonly key: string; readonly sql: string }
  | { readonly type: "export"; readonly key: string; readonly version: string | null; readonly userAgent: string }
  | { readonly type: "stop" }

export type DevtoolsReply =
  | { readonly type: "answer"; readonly value: unknown }
  | { readonly type: "error"; readonly error: ShownError }
