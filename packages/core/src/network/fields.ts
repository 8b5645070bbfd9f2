import { type ByteReader, type ByteWriter, textToBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { USER_BYTES_MAX } from "./message.ts"

// Fields that several messages have, with the limits that writers and readers share (T35).

export function readLsn(reader: ByteReader): Lsn {
  return lsn(reader.uint())
}

export function writeText(writer: ByteWriter, text: string, bytesMax: number): void {
  const bytes = textToBytes(text)
  checkCount(bytes.length, bytesMax)
  writer.bytes(bytes)
}

export function checkCount(count: number, max: number): void {
  if (count > max)
    throw new LfError("FRAME_MALFORMED", `expected at most ${max} items of one kind in a message, got ${count}`)
}

export function writeUser(writer: ByteWriter, user: string | null): void {
  writer.uint(user === null ? 0 : 1)
  if (user !== null) writeText(writer, user, USER_BYTES_MAX)
}

export function readUser(reader: ByteReader): string | null {
  const count = reader.count()
  if (count > 1) throw new LfError("FRAME_MALFORMED", `expected at most one user of a connection, got ${count}`)
  return count === 0 ? null : reader.text(USER_BYTES_MAX)
}
