import type { Outcome, RejectedMutation, Row, SqlValue } from "@lf/core"
import type { ConnectionStatus, PresencesChange, Progress, RowPatch } from "@lf/core/internal"
import type { DevtoolsQuestion, DevtoolsReply } from "./devtools-protocol.ts"
import type { QueryRuns } from "./query-runs.ts"

/** An error for a port: structured clones lose classes and codes. */
export interface SentError {
  readonly code: string
  readonly message: string
  /** Its stack in the worker, most often in a mutator of the app's. */
  readonly stack?: string | undefined
  /** The message of a mutator's `Reject` on this device. */
  readonly reject?: { readonly code: string; readonly data: unknown }
}

export type SentResult =
  /** `asksClock`: the rows depend on the time. */
  | { readonly type: "rows"; readonly rows: readonly Row[]; readonly asksClock: boolean }
  | { readonly type: "patch"; readonly patch: RowPatch }
  | { readonly type: "error"; readonly error: SentError }
  /** The query ran again, with the result that was sent last. */
  | { readonly type: "same" }

/** A result for one query of the tab's. `turn`: it answers the tab's `refresh` of that number and all before. */
export interface QueryResult {
  readonly id: number
  readonly result: SentResult
  readonly turn?: number
}

/** Sent to every tab of a document when anything but rows, pending mutations and rejections changes. */
export interface DocumentState {
  readonly status: ConnectionStatus
  readonly error: SentError | null
  /** The document is open here; false and an error: it cannot be. */
  readonly isOpen: boolean
  readonly isOnlineWanted: boolean
  readonly pendingCount: number
  readonly lsn: number
  readonly isDurable: boolean
  readonly isUpToDate: boolean
  readonly firstSync: Progress | null
  readonly traffic: Traffic
}

/** What went over a document's connections since this device's worker opened it. */
export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  /** Pages that came from the server, as deltas or whole. */
  readonly pagesIn: number
  /** How often pages came and the pending mutations were run again on them. */
  readonly rebases: number
}

export interface PendingMutation {
  readonly uid: string
  readonly name: string
  readonly args: unknown
  readonly at: number
}

/** Keeps a list equal at both ends of a port: first all of it, then how many left its front and what was appended. */
export type QueueChange<T> =
  | { readonly type: "all"; readonly items: readonly T[] }
  | { readonly type: "change"; readonly dropped: number; readonly added: readonly T[] }

/** Rejections: all, or what was added and which were dismissed. */
export type RejectedChange =
  | { readonly type: "all"; readonly items: readonly RejectedMutation[] }
  | { readonly type: "change"; readonly added: readonly RejectedMutation[]; readonly removed: readonly string[] }

/** One port is one document of one user, from `open` on. */
export type TabMessage =
  | {
      readonly type: "open"
      readonly doc: string
      readonly user: string | null
      /** Where the server is; http or https. */
      readonly url: string
      readonly hasAuth: boolean
      /** The tab's end of this document, and the number of its connection: messages of an older one are ignored. */
      readonly tab: string
      readonly connection: number
    }
  /** Whether the tab can be asked for a token: its provider got an `auth`, or lost it. */
  | { readonly type: "auth"; readonly hasAuth: boolean }
  /** Whether the tab shows the document. If not, it waits for the server's decisions, and may be sent a stop. */
  | { readonly type: "shown"; readonly isShown: boolean }
  /** The tab holds this Web Lock until it ends. */
  | { readonly type: "life"; readonly lock: string }
  | {
      readonly type: "subscribe"
      readonly id: number
      readonly sql: string
      readonly parameters: readonly SqlValue[]
      /** The documents that it reads; undefined: the port's own. */
      readonly docs?: readonly string[]
      /** And the user's own document. */
      readonly own?: string | undefined
    }
  /** Runs the query again although nothing has changed. Answered by a result with this `turn`. */
  | { readonly type: "refresh"; readonly id: number; readonly turn: number }
  | { readonly type: "unsubscribe"; readonly id: number }
  | { readonly type: "mutate"; readonly uid: string; readonly name: string; readonly args: unknown }
  /** Asks again for the outcome of mutations that were durable already. */
  | { readonly type: "follow"; readonly uids: readonly string[] }
  | { readonly type: "query"; readonly call: number; readonly sql: string; readonly parameters: readonly SqlValue[] }
  /** Answered when the tab was sent the rows of all changes so far. */
  | { readonly type: "deliver"; readonly call: number }
  | { readonly type: "dismiss"; readonly call: number; readonly uid: string }
  | { readonly type: "clear"; readonly call: number; readonly pending: "refuse" | "discard" }
  /** Answered by the DocumentOnDevice of all that are kept here for the tab's user. */
  | { readonly type: "documents"; readonly call: number }
  /** Answered when no document of the user has changes that the server does not have. */
  | { readonly type: "send-all"; readonly call: number }
  /** `pending` null: what is stored stays. */
  | { readonly type: "sign-out"; readonly call: number; readonly pending: "refuse" | "discard" | null }
  | { readonly type: "watch-pending"; readonly on: boolean }
  /** How a live query of the port's document runs, as long as a `subscribe` asks for its rows. */
  | {
      readonly type: "watch-runs"
      readonly id: number
      readonly sql: string
      readonly parameters: readonly SqlValue[]
    }
  | { readonly type: "unwatch-runs"; readonly id: number }
  /** What the tab shows to others, as bytes; null: nothing. */
  | { readonly type: "presence"; readonly value: Uint8Array | null }
  | { readonly type: "watch-presences"; readonly on: boolean }
  | { readonly type: "set-online"; readonly online: boolean }
  /** Answers `token-wanted`. A token that comes too late causes a retry. */
  | { readonly type: "token"; readonly ask: number; readonly answer: TokenAnswer }
  | { readonly type: "poke" }
  /** Answered at once by a `pong`: the worker lives. `hasOpened`: an `open` was posted on this port before. */
  | { readonly type: "ping"; readonly hasOpened: boolean }
  /** Development: the page's mutators are newer than a worker that started before `since`. */
  | { readonly type: "restart"; readonly sinceMs: number }
  /** Development: a question of the panel, answered by the same number. Its port never opens a document. */
  | { readonly type: "devtools"; readonly call: number; readonly question: DevtoolsQuestion }
  | { readonly type: "close" }

export type TokenAnswer =
  | { readonly type: "token"; readonly token: string }
  /** The app has no token for this user now. */
  | { readonly type: "none" }
  /** The app's `auth()` threw. */
  | { readonly type: "failed"; readonly message: string }

export type WorkerMessage =
  /** The worker runs. */
  | { readonly type: "alive" }
  | { readonly type: "pong" }
  /** The worker's script threw before it could serve. */
  | { readonly type: "failed"; readonly error: SentError }
  /** An uncaught error in the worker: a bug, in the app's code or in lf. */
  | { readonly type: "uncaught"; readonly error: SentError }
  /** The worker holds this Web Lock until it ends; null where there are none. */
  | { readonly type: "life"; readonly lock: string | null }
  | { readonly type: "state"; readonly state: DocumentState }
  | { readonly type: "pending"; readonly change: QueueChange<PendingMutation> }
  | { readonly type: "rejected"; readonly change: RejectedChange }
  /** One commit's results for all of a tab's queries, in one message. */
  | { readonly type: "results"; readonly results: readonly QueryResult[] }
  | { readonly type: "runs"; readonly id: number; readonly runs: QueryRuns }
  /** What other tabs show, on this device and on others. */
  | { readonly type: "presences"; readonly change: PresencesChange }
  | { readonly type: "mutated"; readonly uid: string; readonly error: SentError | null }
  | {
      readonly type: "decided"
      readonly outcomes: readonly { readonly uid: string; readonly outcome: Outcome }[]
    }
  | { readonly type: "answer"; readonly call: number; readonly value: unknown; readonly error: SentError | null }
  | { readonly type: "token-wanted"; readonly ask: number }
  /** The tab is not served any more, and does not connect again. */
  | ({ readonly type: "ended" } & Ended)
  /** The worker is about to end, or reopens the document: connect again. */
  | { readonly type: "restarting" }
  | { readonly type: "devtools"; readonly call: number; readonly reply: DevtoolsReply }
  /** A user who signed in takes the document over: the tab's pending mutations are not followed any more. */
  | { readonly type: "released" }

/** Why a tab is not served: `needs-update` since a newer build owns the document, `needs-auth` since the user signed out. */
export interface Ended {
  readonly status: "needs-update" | "needs-auth"
  readonly error: SentError
}

/** A document that is kept on this device. `pending`: its changes that have not reached the server. */
export interface DocumentOnDevice {
  readonly id: string
  readonly pending: number
}

/** The part of a MessagePort that both ends use. */
export interface Port<Out, In> {
  post(message: Out): void
  listen(listener: (message: In) => void): void
  close(): void
}

export function portOf<Out, In>(port: MessagePort): Port<Out, In> {
  return {
    post: (message) => port.postMessage(message),
    listen(listener) {
      port.onmessage = (event: MessageEvent) => listener(event.data as In) // the other end is lf's own code
    },
    close: () => port.close(),
  }
}
