import type { Lsn } from "../base/lsn.ts"
import type { Batch } from "../journal/batch.ts"
import type { Changeset } from "../storage/changeset.ts"

/** Bumped when a frame changes meaning; both sides refuse a newer one. */
export const PROTOCOL_VERSION = 5
/** A frame over this closes the connection (S7). */
export const FRAME_BYTES_MAX = 1024 * 1024
/** What one push carries at the most. */
export const PUSH_BYTES_MAX = 512 * 1024
/** Mutations in one push: bounds the server's work per frame, however small its entries are. */
export const PUSH_ENTRIES_MAX = 1_000
/** Pages per part: the reader asks for the next one when it has this one (T23). */
export const PART_BYTES_MAX = 256 * 1024
/** What `auth()` gives, and what names a user: UTF-8. */
export const TOKEN_BYTES_MAX = 16 * 1024
export const USER_BYTES_MAX = 4096
/** Plain data of one presence, encoded. */
export const PRESENCE_BYTES_MAX = 4 * 1024
/** The id of a tab in a presence; with its client's id in front in those of others. */
export const PRESENCE_TAB_BYTES_MAX = 64
/** Presences of one document, and ids with one message. */
export const PRESENCES_MAX = 1_000
/** What a refusal says besides its code; longer ones are cut. */
export const REFUSAL_BYTES_MAX = 4096
/** Outcomes with one part of a page batch; the rest come with the next. */
export const OUTCOMES_PER_PART_MAX = 100

export interface Hello {
  readonly type: "hello"
  readonly protocol: number
  readonly docId: string
  /** Shows that the client id is the sender's own: the id is its hash (S4). */
  readonly secret: Uint8Array
  /** Empty: this client has never had a base. */
  readonly epoch: string
  readonly cursor: Lsn
  /** Hashes of the migrations that the client's code knows. */
  readonly schema: readonly string[]
  /** What the app's `auth()` gave; empty: nothing. Short-lived, never in a URL (S2). */
  readonly token: string
}

export interface Welcome {
  readonly type: "welcome"
  readonly epoch: string
  /** How far the server's copy of this client's timeline goes, and the chain hash there. */
  readonly clientLsn: Lsn
  readonly clientHash: bigint
  readonly lsn: Lsn
  /** Of all pages at `lsn`: a client that is there has the same, or the server has lost what it had acknowledged. */
  readonly checksum: bigint
  readonly schema: readonly string[]
  /** The user that the server authenticated: what is pending runs as this user. */
  readonly user: string | null
}

export interface SyncMutations {
  readonly type: "sync-mutations"
  readonly batch: Batch
  /** The client keeps nothing of its timeline up to here. */
  readonly confirmed: Lsn
}

/** Mutations after `from`, up to `to`, that the server refuses. */
export interface RefusedRange {
  readonly from: Lsn
  readonly to: Lsn
  readonly code: string
}

/** Answers to `sync-mutations`. */
export type MutationsReply =
  /** Durable at the server up to `lsn`. Less than was sent: it has no room for more of this client's now. */
  | { readonly type: "cursor"; readonly lsn: Lsn }
  | { readonly type: "gap"; readonly expected: Lsn }
  | { readonly type: "fork"; readonly common: Lsn }
  /** Durable up to `common`, and nothing more will be under this client id: the rest goes on under another, without these. */
  | { readonly type: "refused"; readonly common: Lsn; readonly ranges: readonly RefusedRange[] }

/** Stays open until there is something newer than `cursor`: the reply is the announcement, this request the credit. */
export interface SyncStorage {
  readonly type: "sync-storage"
  readonly cursor: Lsn
  /** Outcomes up to here are durable at the client. */
  readonly outcomesSeen: Lsn
  /** Of this connection's epoch the client has pages 1 to `resumePages`, as they were at `resumeLsn`; 0 and 0: none. */
  readonly resumeLsn: Lsn
  readonly resumePages: number
}

/** Asks for the next part of the page batch that is under way. */
export interface NextPart {
  readonly type: "next-part"
}

/** A rejected mutation, for its author alone: `data` is what `Reject` carried. */
export interface Rejection {
  /** Its position in its client's timeline. */
  readonly lsn: Lsn
  readonly uid: string
  readonly code: string
  readonly data: unknown
}

/** One part of a page batch for a client that has a base; together the parts are one changeset. */
export interface Pages {
  readonly type: "pages"
  readonly from: Lsn
  readonly to: Lsn
  readonly isLast: boolean
  /** Estimate of the whole batch, for progress. */
  readonly bytesTotal: number
  readonly changeset: Changeset
  readonly outcomes: readonly Rejection[]
}

/** One part of a first sync: consecutive pages of one snapshot of the database, compressed together. */
export interface Chunk {
  readonly type: "chunk"
  /** The `resumeLsn` that it builds on: pages that were there and are not sent are still the same. 0: it begins anew. */
  readonly from: Lsn
  /** The snapshot's position, page count and checksum: the same in all parts. */
  readonly to: Lsn
  readonly pageCount: number
  readonly checksum: bigint
  readonly isLast: boolean
  /** Estimate of all parts of this transfer, for progress. */
  readonly bytesTotal: number
  /** The first of `count` pages, from 1; 0 and 0: this part has outcomes only. */
  readonly pageNo: number
  readonly count: number
  /** Raw deflate of the pages one after the other, or the pages themselves: then it is exactly as long as they are. */
  readonly block: Uint8Array
  readonly outcomes: readonly Rejection[]
}

/** What one tab shows of its user to the others that have the document open. Kept nowhere, gone with the connection. */
export interface Presence {
  readonly type: "presence"
  /** Names the tab among those of this client. */
  readonly tab: string
  /** Plain data, as bytes; empty: the tab shows nothing any more. */
  readonly value: Uint8Array
}

/** Stays open until presences have changed after `version`; 0: sends all of them. The reply is the credit, as for pages. */
export interface WatchPresences {
  readonly type: "watch-presences"
  readonly version: number
}

/** One tab's presence. `id` is the client's id and the tab. */
export interface SharedPresence {
  readonly id: string
  readonly user: string | null
  readonly value: Uint8Array
}

export interface Presences {
  readonly type: "presences"
  /** Everything up to here was sent. */
  readonly version: number
  /** What came before does not count. */
  readonly isAll: boolean
  readonly changed: readonly SharedPresence[]
  readonly gone: readonly string[]
}

export interface Refuse {
  readonly type: "refuse"
  readonly code: string
  readonly message: string
}

export interface Ping {
  readonly type: "ping"
}

export interface Pong {
  readonly type: "pong"
}

export type ClientMessage = Hello | SyncMutations | SyncStorage | NextPart | Presence | WatchPresences | Ping
export type ServerMessage = Welcome | MutationsReply | Pages | Chunk | Presences | Refuse | Pong
export type Message = ClientMessage | ServerMessage
