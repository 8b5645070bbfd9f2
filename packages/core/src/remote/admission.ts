import type { Hello, RefusedRange, SyncMutations, SyncStorage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { ConnectedClient } from "./connected-client.ts"
import type { MayWrite } from "./refused-ranges.ts"

/** How fast a client's requests are taken: one that asks for more than its share waits, and is refused nothing (S7). */
export interface Pace {
  /** Before a batch of so many mutations is taken. Undefined: at once. */
  mutations(count: number): Promise<void> | undefined
  /** Before a part of a long page batch is made. */
  pages(): Promise<void>
  /** Before a reader that has a base gets what is newer. Undefined: at once. */
  news(): Promise<void> | undefined
}

/** What a client may do. */
export interface Rights {
  /** The authenticated user; null: anonymous. */
  readonly user: string | null
  /** Whether a mutation of this name may be written now; asked for every batch. Undefined: all may. */
  readonly mayWrite?: MayWrite
}

/** A request that reaches a document's loop. Everything else is answered by the connection. */
export interface ClientRequest {
  readonly client: ConnectedClient
  readonly message: SyncMutations | SyncStorage
  /** What of a batch is not taken. */
  readonly refused: readonly RefusedRange[]
}

/** A client that is admitted: its pipe, its hello, and who it is. */
export interface ConnectOptions {
  readonly pipe: Pipe
  readonly hello: Hello
  readonly user: string | null
}

/** What a connection uses of a document: `Remote`. */
export interface ConnectableDocument {
  /** @throws CLIENT_PROOF */
  connect(options: ConnectOptions): ConnectedClient
  /** Whether the client is connected still: the document itself may have ended it. */
  has(client: ConnectedClient): boolean
  disconnect(client: ConnectedClient): void
  /** Whether the app has a mutation of this name. */
  isMutation(name: string): boolean
  enqueue(request: ClientRequest): void
}

/** A document that is open for one connection. */
export interface OpenDocument {
  readonly remote: ConnectableDocument
  readonly pace?: Pace
  /** Where the frames to the client go, if they are counted on the way. Default: the connection's pipe. */
  readonly pipe?: Pipe
  /** Called once, after the welcome. */
  welcomed?(): void
  /** Called once: the connection needs the document no more. */
  release(): void
}

/**
 * The port through which a server decides who comes in, how fast, and to what. Both methods throw an `LfError` to refuse; its code
 * and message are sent to the client. Until `authorize` has answered nothing is opened and no disk is touched (S3).
 */
export interface Admission<R extends Rights = Rights> {
  authorize(hello: Hello): Promise<R>
  openDocument(hello: Hello, rights: R): Promise<OpenDocument>
}
