import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { CLIENT_SECRET_BYTES } from "../base/ids.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import type { EntryCodec } from "../journal/journal.ts"
import { hasFields, plainCodec } from "../journal/plain-entry.ts"
import { type Changeset, changesetCodec } from "../storage/changeset.ts"

// What the streams of a device's log hold, and how it is written.

/** A mutation that the server rejected, kept until the app dismisses it. */
export interface RejectedMutation {
  readonly uid: string
  readonly name: string
  readonly args: unknown
  readonly at: number
  readonly code: string
  /** What the mutator's `Reject` carried. */
  readonly data: unknown
}

/** A rejection came, or its author has seen it. */
export type RejectionChange =
  | { readonly type: "rejected"; readonly rejection: RejectedMutation }
  | { readonly type: "dismissed"; readonly uid: string }

export interface BaseEntry {
  readonly epoch: string
  readonly cursor: Lsn
  readonly changeset: Changeset
}

export const identityCodec: EntryCodec<Uint8Array> = {
  encode: (secret) => secret,
  decode(bytes) {
    if (bytes.length !== CLIENT_SECRET_BYTES) throw new LfError("LOG_CORRUPT", `got a secret of ${bytes.length} bytes`)
    return bytes.slice()
  },
}

export const baseCodec: EntryCodec<BaseEntry> = {
  encode: ({ epoch, cursor, changeset }) =>
    new ByteWriter(1024).text(epoch).uint(cursor).raw(changesetCodec.encode(changeset)).finish(),
  decode(bytes) {
    const reader = new ByteReader(bytes)
    return {
      epoch: reader.text(64),
      cursor: lsn(reader.uint()),
      changeset: changesetCodec.decode(reader.raw(reader.remaining)),
    }
  },
}

/** How far the base at `cursor` decides a client's timeline, and how. Entries of older code do not say how. */
export interface SettledEntry {
  readonly clientId: string
  readonly lsn: Lsn
  readonly cursor?: Lsn
  /** Uid, and the code of a rejection or null. */
  readonly decided?: readonly (readonly [string, string | null])[]
}

export const settledCodec = plainCodec<SettledEntry>(
  (entry) => hasFields(entry, { clientId: "text", lsn: "lsn" }) && isDecided((entry as SettledEntry).decided), // it has fields
)
export const rejectionCodec = plainCodec<RejectionChange>(isRejectionChange)

function isDecided(decided: unknown): boolean {
  if (decided === undefined) return true
  const isPair = (pair: unknown) =>
    Array.isArray(pair) && typeof pair[0] === "string" && (pair[1] === null || typeof pair[1] === "string")
  return Array.isArray(decided) && decided.every(isPair)
}

function isRejectionChange(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null || !("type" in entry)) return false
  if (entry.type === "dismissed") return hasFields(entry, { uid: "text" })
  const rejection = entry.type === "rejected" && "rejection" in entry ? entry.rejection : null
  return hasFields(rejection, { uid: "text", name: "text", at: "number", code: "text" })
}
