import type { ByteReader, ByteWriter } from "../base/bytes.ts"
import { checkCount, readUser, writeText, writeUser } from "./fields.ts"
import { PRESENCE_BYTES_MAX, PRESENCE_TAB_BYTES_MAX, PRESENCES_MAX, type Presence, type Presences } from "./message.ts"

/** A client's id in hex, a slash, and a tab. */
const PRESENCE_ID_BYTES_MAX = 64 + 1 + PRESENCE_TAB_BYTES_MAX

export function writePresence(writer: ByteWriter, { tab, value }: Presence): void {
  writeText(writer, tab, PRESENCE_TAB_BYTES_MAX)
  writeValue(writer, value)
}

export function readPresence(reader: ByteReader): Presence {
  return { type: "presence", tab: reader.text(PRESENCE_TAB_BYTES_MAX), value: readValue(reader) }
}

export function writePresences(writer: ByteWriter, { version, isAll, changed, gone }: Presences): void {
  checkCount(changed.length, PRESENCES_MAX)
  checkCount(gone.length, PRESENCES_MAX)
  writer
    .uint(version)
    .u8(isAll ? 1 : 0)
    .uint(changed.length)
  for (const { id, user, value } of changed) {
    writeText(writer, id, PRESENCE_ID_BYTES_MAX)
    writeUser(writer, user)
    writeValue(writer, value)
  }
  writer.uint(gone.length)
  for (const id of gone) writeText(writer, id, PRESENCE_ID_BYTES_MAX)
}

export function readPresences(reader: ByteReader): Presences {
  const [version, isAll] = [reader.uint(), reader.u8() !== 0]
  const changed = Array.from({ length: readCount(reader, 3) }, () => ({
    id: reader.text(PRESENCE_ID_BYTES_MAX),
    user: readUser(reader),
    value: readValue(reader),
  }))
  const gone = Array.from({ length: readCount(reader, 1) }, () => reader.text(PRESENCE_ID_BYTES_MAX))
  return { type: "presences", version, isAll, changed, gone }
}

function readCount(reader: ByteReader, bytesMin: number): number {
  const count = reader.count(bytesMin)
  checkCount(count, PRESENCES_MAX)
  return count
}

function writeValue(writer: ByteWriter, value: Uint8Array): void {
  checkCount(value.length, PRESENCE_BYTES_MAX)
  writer.bytes(value)
}

function readValue(reader: ByteReader): Uint8Array {
  return reader.bytes(PRESENCE_BYTES_MAX).slice()
}
