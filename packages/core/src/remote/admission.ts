import type { Hello, RefusedRange, SyncMutations, SyncStorage } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { ConnectedClient } from "./connected-client.ts"
import type { PresenceBoard } from "./presence-board.ts"
import type { Rights } from "./rights.ts"

/** How fast a client's requests are handled: a client over its share waits, and no request of it is refused (S7). */
export interface Pace {
  /** Awaited before a batch of `count` mutations is handled. Undefined: no wait. */
  mutations(count: number): Promise<void> | undefined
  /** Awaited before a part of a long page batch is made. */
  pages(): Promise<void>
  /** Awaited before a client that has a base gets newer pages. Undefined: no wait. */
  news(): Promise<void> | undefined
}

/** A request that a document's loop handles. The connection answers all others. */
export interface ClientRequest {
  readonly client: ConnectedClient
  readonly message: SyncMutations | SyncStorage
  /** The entries of a batch that are refused. */
  readonly refused: readonly RefusedRange[]
}

/** An admitted client: its pipe, its hello and what it may do. */
export interface ConnectOptions {
  readonly pipe: Pipe
  readonly hello: Hello
  readonly rights: Rights
}

/** The part of `Remote` that a connection uses. */
export interface ConnectableDocument {
  /** @throws CLIENT_PROOF */
  connect(options: ConnectOptions): ConnectedClient
  /** Whether the client is still connected: the document itself may have ended the connection. */
  has(client: ConnectedClient): boolean
  disconnect(client: ConnectedClient): void
  readonly presences: PresenceBoard
  /** Whether the app has a mutation of this name. */
  isMutation(name: string): boolean
  enqueue(request: ClientRequest): void
}

/** A document that is open for one connection. */
export interface OpenDocument {
  readonly remote: ConnectableDocument
  readonly pace?: Pace
  /** The pipe that counts the frames to the client. Default: the connection's pipe. */
  readonly pipe?: Pipe
  /** Called once, after the welcome. */
  welcomed?(): void
  /** Called once, when the connection no longer uses the document. */
  release(): void
}

/**
 * The port through which a server admits a client, sets its pace and opens its document. Both methods throw an `LfError` to
 * refuse; its code and message are sent to the client. No document is opened before `authorize` resolves (S3).
 */
export interface Admission<R extends Rights = Rights> {
  authorize(hello: Hello): Promise<R>
  openDocument(hello: Hello, rights: R): Promise<OpenDocument>
}
