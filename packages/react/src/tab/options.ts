import type { WorkerFactory } from "./make-worker.ts"
import type { Auth } from "./token-answers.ts"

/** What a connection needs: the provider's props. */
export interface ConnectOptions {
  readonly worker: WorkerFactory
  readonly url: string
  readonly auth: Auth | undefined
}

export interface TabDocumentOptions {
  readonly doc: string
  readonly user: string | null
  /** Wraps the delivery of one commit's results, so that they become one render. */
  readonly batch: (run: () => void) => void
  /** It is not used any more, and its port is closed. */
  readonly onIdle: () => void
  /** It shows nothing and only waits for the server's decisions. */
  readonly onFollowing: () => void
}
