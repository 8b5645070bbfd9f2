import type { Auth } from "./token-answers.ts"

/** What it takes to connect a document: its provider's props. */
export interface ConnectOptions {
  readonly worker: () => SharedWorker
  readonly url: string
  readonly auth: Auth | undefined
}

export interface TabDocumentOptions {
  readonly doc: string
  readonly user: string | null
  /** Wraps the delivery of one commit's results, so that they become one render. */
  readonly batch: (run: () => void) => void
  /** Nothing uses it any more, and its port is closed. */
  readonly onIdle: () => void
  /** It shows nothing and only waits for what the server decides. */
  readonly onFollowing: () => void
}
