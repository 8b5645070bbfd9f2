import type { Hello, Presence, RefusedRange, SyncMutations, SyncStorage, WatchPresences } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { ConnectedClient } from "./connected-client.ts"
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

/** A request that a document's loop handles. */
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

/** A client that a document serves, for its connection. What the document sends goes through the client's pipe. */
export interface ServedClient {
  /** False: the document itself has ended the connection, and no call does anything. */
  readonly isServed: boolean
  /** Handled with the next run of the document's loop, in the order of arrival. */
  request(message: SyncMutations | SyncStorage, refused: readonly RefusedRange[]): void
  /** Sends the next part of the pages under way. */
  sendPart(): Promise<void> | undefined
  setPresence(message: Presence): void
  watchPresences(message: WatchPresences): void
  /** The connection is over. */
  leave(): void
}

/** The part of a document that a connection uses. */
export interface ConnectableDocument {
  /** Connects an admitted client. Its welcome follows. @throws CLIENT_PROOF */
  connect(options: ConnectOptions): ServedClient
  /** Whether the app has a mutation of this name. */
  isMutation(name: string): boolean
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
