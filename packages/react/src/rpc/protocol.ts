import type { ConnectionStatus, LiveResult, Progress, Rejection, RemoteOutcome, SqlValue } from "@lf/core"

/** An error on its way through a port: structured clones lose classes and codes. */
export interface SentError {
  readonly code: string
  readonly message: string
  /** What a mutator's `Reject` said on this device. */
  readonly reject?: { readonly code: string; readonly data: unknown }
}

export type SentResult = Exclude<LiveResult, { type: "error" }> | { readonly type: "error"; readonly error: SentError }

/** What every tab of a document is told when anything but rows changes. */
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
  readonly rejected: readonly Rejection[]
}

export interface PendingMutation {
  readonly uid: string
  readonly name: string
  readonly args: unknown
  readonly at: number
}

/** One port is one document of one user, from `open` on. */
export type TabMessage =
  | {
      readonly type: "open"
      readonly doc: string
      readonly user: string | null
      /** Where the server is; http or https. */
      readonly url: string
      readonly hasAuth: boolean
    }
  /** The tab holds this Web Lock as long as it lives. */
  | { readonly type: "life"; readonly lock: string }
  | { readonly type: "subscribe"; readonly id: number; readonly sql: string; readonly parameters: readonly SqlValue[] }
  | { readonly type: "unsubscribe"; readonly id: number }
  | { readonly type: "mutate"; readonly uid: string; readonly name: string; readonly args: unknown }
  /** Asks again what became of a mutation that was durable already. */
  | { readonly type: "follow"; readonly uid: string }
  | { readonly type: "query"; readonly call: number; readonly sql: string; readonly parameters: readonly SqlValue[] }
  | { readonly type: "watch-pending"; readonly on: boolean }
  | { readonly type: "set-online"; readonly online: boolean }
  | { readonly type: "dismiss"; readonly uid: string }
  | { readonly type: "clear"; readonly call: number; readonly pending: "refuse" | "discard" }
  | { readonly type: "token"; readonly token: string | null }
  | { readonly type: "poke" }
  /** Development: the page's mutators are newer than a worker that was born before `since`. */
  | { readonly type: "restart"; readonly sinceMs: number }
  | { readonly type: "close" }

export type WorkerMessage =
  /** The worker runs. */
  | { readonly type: "alive" }
  /** The worker holds this Web Lock as long as it lives; null where there are none. */
  | { readonly type: "life"; readonly lock: string | null }
  | { readonly type: "state"; readonly state: DocumentState }
  | { readonly type: "pending"; readonly pending: readonly PendingMutation[] }
  /** One commit's results for all of a tab's queries, in one piece. */
  | { readonly type: "results"; readonly results: readonly { readonly id: number; readonly result: SentResult }[] }
  | { readonly type: "mutated"; readonly uid: string; readonly error: SentError | null }
  | { readonly type: "decided"; readonly uid: string; readonly outcome: RemoteOutcome }
  | { readonly type: "answer"; readonly call: number; readonly value: unknown; readonly error: SentError | null }
  | { readonly type: "token-wanted" }
  /** A newer build owns the document now; this tab runs old code. */
  | { readonly type: "replaced"; readonly error: SentError }
  /** The worker is about to end itself: connect again. */
  | { readonly type: "restarting" }

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
      port.onmessage = (event: MessageEvent) => listener(event.data as In) // the other end is our own code
    },
    close: () => port.close(),
  }
}
