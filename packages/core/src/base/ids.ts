import { sha256 } from "@noble/hashes/sha2"
import { bytesToHex, concatBytes, textToBytes } from "./bytes.ts"
import { LfError } from "./error.ts"
import type { Host } from "./host.ts"

const DOC_ID = /^[A-Za-z0-9_-]{1,64}$/
export const CLIENT_SECRET_BYTES = 32
const CLIENT_ID_BYTES = 16
const EPOCH_BYTES = 16

/** Whether a text can be the id of a document: 1 to 64 characters of A-Z, a-z, 0-9, _ and -. */
export function isDocId(text: string): boolean {
  return DOC_ID.test(text)
}

/** @throws DOC_ID_INVALID */
export function checkDocId(text: string): string {
  if (!isDocId(text))
    throw new LfError(
      "DOC_ID_INVALID",
      `expected a document id of 1 to 64 characters of A-Z, a-z, 0-9, _ and -, got another text (characters: ${text.length})`,
    )
  return text
}

const OWN_DOC_ID = /^own-[0-9a-f]{40}$/

/**
 * The id of the document that belongs to one user alone: drafts, preferences, what they have read. The server lets no other
 * user in, whatever `authorize` says.
 */
export function ownDocId(user: string): string {
  return `own-${sha256Hex(textToBytes(user)).slice(0, 40)}`
}

/** Whether a user may read and write the own document of some user; null: it is no such document. */
export function ownDocRight(docId: string, user: string | null): boolean | null {
  return OWN_DOC_ID.test(docId) ? user !== null && ownDocId(user) === docId : null
}

/** What a client shows to prove that an id is its own. It never leaves the connection's hello. */
export function newClientSecret(host: Host): Uint8Array {
  return host.randomBytes(CLIENT_SECRET_BYTES)
}

/**
 * The secret of a client that goes on under a new id with `firstUid` as its first mutation. Clones that both
 * had that one pending derive the same id, so that the server still finds where they differ and runs it once (T1).
 */
export function deriveForkSecret(secret: Uint8Array, firstUid: string): Uint8Array {
  return sha256(concatBytes([secret, textToBytes(firstUid)]))
}

/** The public id of the client that holds `secret`: visible to all readers of a document, so it proves nothing (S4). */
export function clientIdOf(secret: Uint8Array): string {
  return bytesToHex(sha256(secret).subarray(0, CLIENT_ID_BYTES))
}

/** New when a document is created or restored: a cursor without its epoch means nothing. */
export function newEpoch(host: Host): string {
  return bytesToHex(host.randomBytes(EPOCH_BYTES))
}

export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes))
}

/** A UUIDv7: 48 bits of `ms`, then `random` (10 bytes). Sorts by time. */
export function uuidV7(ms: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.floor(ms)) << 16n)
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  const hex = bytesToHex(bytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** When `uuidV7` made it, ms. */
export function msOfUuid(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}
