import type { OpenedLog, StoredLog } from "../journal/log.ts"
import type { Pipe } from "../network/network.ts"

/** A document at rest. */
export interface StoredDocument {
  readonly docId: string
  /** Of all that is kept of it. */
  readonly bytes: number
  /** The last write. */
  readonly changedAt: Date
}

/** What other servers send. */
export interface PeerListener {
  /** Another server wants to serve clients of a document that this one owns. */
  reached(docId: string, pipe: Pipe): void
  /** Another server has something for a connection of this one, whatever its document. */
  reachedServer(pipe: Pipe): void
  /** As `notify` was given it. */
  noticed(notice: string): void
}

/** The servers that share a store, each of which owns some of the documents. */
export interface Peers {
  /**
   * Takes a document that no other server owns; else a pipe to its owner. One try.
   * @throws LOG_OWNED when its owner is just ending, and as `open`
   */
  openOrReach(docId: string): Promise<OpenedLog | Pipe>
  /** What other servers name this one by in `reachServer`. Clients see it: it is no secret. */
  readonly address: string
  /** A pipe to the server of that address; null: there is none, or no more. @throws LOG_FAILED */
  reachServer(address: string): Promise<Pipe | null>
  /** Called once, before the first `begin`. */
  listen(listener: PeerListener): void
  /** Sends all other servers a notice, which may hold a user's id and little else. One that is lost is not sent again. */
  notify(notice: string): void
}

/** Where a server keeps its documents: a directory of its own, or a database that it shares with other servers. */
export interface DocumentStore {
  /** Stores of one name hold the same documents: a directory's path, or a database's address without its password. */
  readonly name: string
  /**
   * The other servers that open its documents, each document at one of them; null: there are none. What closes in a shared store is
   * handed over at once, without a checkpoint.
   */
  readonly peers: Peers | null
  /** Milliseconds that the event loop may stand still: after more, other servers may take the documents. Absent: any time. */
  readonly blockMsMax?: number
  /**
   * Takes what every opening needs: a lock, a connection, a lease. Called before each opening; a second call changes nothing, and
   * one after a failure tries again.
   * @throws SERVER_DIRECTORY_OWNED LOG_FAILED LOG_FORMAT_NEWER
   */
  begin(): Promise<void>
  /** @throws DOC_ID_INVALID LOG_FAILED */
  has(docId: string): Promise<boolean>
  /**
   * Makes this process the document's owner until its log is closed; one that is missing is made.
   * @throws DOC_ID_INVALID LOG_OWNED LOG_CORRUPT LOG_FORMAT_NEWER LOG_DEPOSED LOG_FULL LOG_FAILED
   */
  open(docId: string): Promise<OpenedLog>
  /**
   * What is kept of a document, as it was at one moment, also while a server has it open; null: nothing.
   * @throws DOC_ID_INVALID LOG_CORRUPT LOG_FORMAT_NEWER LOG_FAILED
   */
  read(docId: string): Promise<StoredLog | null>
  /** Deletes a document that is not open, for good. @throws DOC_ID_INVALID LOG_OWNED LOG_FAILED */
  delete(docId: string): Promise<void>
  /** All documents, by id. Opens none. @throws LOG_FAILED */
  list(): Promise<StoredDocument[]>
  /** Gives up what `begin` took. The logs are closed before. */
  close(): Promise<void>
}
