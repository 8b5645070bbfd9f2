import { ByteReader, ByteWriter } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { type Lsn, lsn } from "../base/lsn.ts"
import { readPlain, writePlain } from "../base/plain.ts"
import type { RefusedRange } from "../network/message.ts"
import type { Row } from "../sqlite/statement.ts"
import type { Author } from "../timeline/author.ts"

/** Raised when a message between servers changes its meaning: servers of two versions do not relay to each other. */
export const RELAY_VERSION = 3

/** Ends each message of another version, whatever follows. */
const MAGIC = 0x2f

/** What a process asks of a document. */
export type RelayedCall =
  | {
      readonly type: "read"
      readonly sql: string
      readonly parameters: readonly unknown[]
      /** Whether the caller wants to know when the rows may have changed. */
      readonly isWatched: boolean
    }
  | { readonly type: "position" }
  | {
      readonly type: "mutate"
      readonly name: string
      readonly args: unknown
      readonly author: Author
      readonly uid: string
    }
  | { readonly type: "delete" }

/** From a server with clients of a document to the document's owner. Clients and calls have numbers of that server's. */
export type ToOwner =
  | {
      readonly type: "connect"
      readonly client: number
      /** The client's hello, without its token: the sender has authenticated it. */
      readonly hello: Uint8Array
      readonly author: Author
      readonly user: string | null
    }
  | {
      readonly type: "request"
      readonly client: number
      /** As the sender knows it now; undefined: as before. */
      readonly author: Author | undefined
      readonly refused: readonly RefusedRange[]
      /** The client's frame, as it came. */
      readonly frame: Uint8Array
    }
  | { readonly type: "leave"; readonly client: number }
  | { readonly type: "call"; readonly call: number; readonly asked: RelayedCall }
  | { readonly type: "stop"; readonly call: number }

/** From a document's owner to a server that has clients of it. */
export type FromOwner =
  /** The first message: the document is open here. */
  | { readonly type: "ready" }
  /** For each of these clients. `kept`: the number under which the receiver keeps it; 0: it does not. */
  | { readonly type: "frame"; readonly clients: readonly number[]; readonly kept: number; readonly frame: Uint8Array }
  /** The frame that was kept under this number, for these clients. */
  | { readonly type: "again"; readonly clients: readonly number[]; readonly kept: number }
  /** These frames come no more. */
  | { readonly type: "forget"; readonly kept: readonly number[] }
  | { readonly type: "closed"; readonly client: number; readonly reason: string }
  /** One part of an answer; together they are what `encodeRows` or `encodeValue` made. */
  | { readonly type: "answer"; readonly call: number; readonly isLast: boolean; readonly bytes: Uint8Array }
  | { readonly type: "failure"; readonly call: number; readonly code: string; readonly message: string }
  | { readonly type: "changed"; readonly call: number }

export type RelayMessage = ToOwner | FromOwner

const TYPES = [
  "connect",
  "request",
  "leave",
  "call",
  "stop",
  "ready",
  "frame",
  "again",
  "forget",
  "closed",
  "answer",
  "failure",
  "changed",
] as const satisfies readonly RelayMessage["type"][]

const CALLS = ["read", "position", "mutate", "delete"] as const satisfies readonly RelayedCall["type"][]

/** @throws MUTATION_ARGS_INVALID for arguments that are no plain data */
export function encodeRelay(message: RelayMessage): Uint8Array {
  const writer = new ByteWriter("frame" in message ? message.frame.length + 64 : 256)
  writer.u8(MAGIC).u8(RELAY_VERSION).u8(TYPES.indexOf(message.type))
  switch (message.type) {
    case "connect":
      writer.uint(message.client).bytes(message.hello)
      writePlain(writer, message.author)
      writePlain(writer, message.user)
      break
    case "request":
      writer.uint(message.client)
      writePlain(writer, message.author)
      writer.uint(message.refused.length)
      for (const { from, to, code } of message.refused) writer.uint(from).uint(to).text(code)
      writer.bytes(message.frame)
      break
    case "call":
      writer.uint(message.call)
      writeCall(writer, message.asked)
      break
    case "frame":
      writeNumbers(writer, message.clients)
      writer.uint(message.kept).bytes(message.frame)
      break
    case "again":
      writeNumbers(writer, message.clients)
      writer.uint(message.kept)
      break
    case "forget":
      writeNumbers(writer, message.kept)
      break
    case "closed":
      writer.uint(message.client).text(message.reason)
      break
    case "answer":
      writer
        .uint(message.call)
        .u8(message.isLast ? 1 : 0)
        .bytes(message.bytes)
      break
    case "failure":
      writer.uint(message.call).text(message.code).text(message.message)
      break
    case "leave":
      writer.uint(message.client)
      break
    case "stop":
    case "changed":
      writer.uint(message.call)
      break
    case "ready":
      break
  }
  return writer.end()
}

/** @throws BYTES_MALFORMED for what no server of this version sends */
export function decodeRelay(bytes: Uint8Array): RelayMessage {
  const reader = new ByteReader(bytes)
  const [magic, version] = [reader.u8(), reader.u8()]
  if (magic !== MAGIC || version !== RELAY_VERSION)
    throw new LfError(
      "BYTES_MALFORMED",
      `expected a message of a server with relay version ${RELAY_VERSION}, got version ${version}`,
    )
  const message = readBody(TYPES[reader.u8()], reader)
  reader.end()
  return message
}

function readBody(type: RelayMessage["type"] | undefined, reader: ByteReader): RelayMessage {
  switch (type) {
    case "connect":
      return {
        type,
        client: reader.uint(),
        hello: reader.bytes().slice(),
        author: readPlain(reader) as Author, // what `writePlain` of an author gives
        user: readPlain(reader) as string | null, // as above
      }
    case "request":
      return {
        type,
        client: reader.uint(),
        author: readPlain(reader) as Author | undefined, // as above
        refused: Array.from({ length: reader.count(3) }, () => ({
          from: lsn(reader.uint()),
          to: lsn(reader.uint()),
          code: reader.text(),
        })),
        frame: reader.bytes().slice(),
      }
    case "call":
      return { type, call: reader.uint(), asked: readCall(reader) }
    case "frame":
      return { type, clients: readNumbers(reader), kept: reader.uint(), frame: reader.bytes().slice() }
    case "again":
      return { type, clients: readNumbers(reader), kept: reader.uint() }
    case "forget":
      return { type, kept: readNumbers(reader) }
    case "closed":
      return { type, client: reader.uint(), reason: reader.text() }
    case "answer":
      return { type, call: reader.uint(), isLast: reader.u8() !== 0, bytes: reader.bytes().slice() }
    case "failure":
      return { type, call: reader.uint(), code: reader.text(), message: reader.text() }
    case "leave":
      return { type, client: reader.uint() }
    case "stop":
    case "changed":
      return { type, call: reader.uint() }
    case "ready":
      return { type }
    case undefined:
      throw new LfError("BYTES_MALFORMED", "expected a message of a known type, got another")
  }
}

function writeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  writer.uint(numbers.length)
  for (const number of numbers) writer.uint(number)
}

function readNumbers(reader: ByteReader): number[] {
  return Array.from({ length: reader.count() }, () => reader.uint())
}

function writeCall(writer: ByteWriter, asked: RelayedCall): void {
  writer.u8(CALLS.indexOf(asked.type))
  if (asked.type === "read") {
    writer.text(asked.sql).u8(asked.isWatched ? 1 : 0)
    writePlain(writer, asked.parameters)
  } else if (asked.type === "mutate") {
    writer.text(asked.name).text(asked.uid)
    writePlain(writer, asked.args)
    writePlain(writer, asked.author)
  }
}

function readCall(reader: ByteReader): RelayedCall {
  const type = CALLS[reader.u8()]
  switch (type) {
    case "read": {
      const [sql, isWatched] = [reader.text(), reader.u8() !== 0]
      return { type, sql, isWatched, parameters: readPlain(reader) as unknown[] } // what `writeCall` wrote
    }
    case "mutate": {
      const [name, uid] = [reader.text(), reader.text()]
      return { type, name, uid, args: readPlain(reader), author: readPlain(reader) as Author } // as above
    }
    case "position":
    case "delete":
      return { type }
    case undefined:
      throw new LfError("BYTES_MALFORMED", "expected a call of a known type, got another")
  }
}

/** Any number of rows, and the position that they are of. */
export function encodeRows(rows: readonly Row[], position: Lsn): Uint8Array {
  const writer = new ByteWriter(1024).uint(position).uint(rows.length)
  for (const row of rows) writePlain(writer, row)
  return writer.end()
}

/** @throws BYTES_MALFORMED */
export function decodeRows(bytes: Uint8Array): { readonly rows: Row[]; readonly lsn: Lsn } {
  const reader = new ByteReader(bytes)
  const position = lsn(reader.uint())
  const rows = Array.from({ length: reader.count() }, () => readPlain(reader) as Row) // what `encodeRows` wrote
  reader.end()
  return { rows, lsn: position }
}

export function encodeValue(value: unknown): Uint8Array {
  const writer = new ByteWriter(128)
  writePlain(writer, value)
  return writer.end()
}

/** @throws BYTES_MALFORMED */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes)
  const value = readPlain(reader)
  reader.end()
  return value
}
