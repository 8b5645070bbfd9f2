// Pieces of mail between nodes, as statements and notices carry them.
import type pg from "pg"
import { oneParameter } from "./one-parameter.ts"

/** What a piece of mail does to the link that it names. `frames`: several, as `packFrames` makes them; `trailer`: nothing. */
export const MAIL = { open: 0, frame: 1, close: 2, openServer: 3, frames: 4, trailer: 5 } as const

/** One piece between two nodes. */
export interface Mail {
  /** Who sends it, or who is to get it. */
  readonly node: string
  readonly link: string
  readonly kind: number
  readonly body: Uint8Array
}

/** Mail with its place in what its sender has sent this node: 1, 2, 3 and so on. */
export interface Numbered extends Mail {
  readonly number: number
}

/** Mail that has not been sent yet. */
export interface Waiting extends Omit<Numbered, "body"> {
  /** More than one: frames. */
  readonly bodies: Uint8Array[]
  bytes: number
}

/** What a notice may hold, of PostgreSQL's 8,000 bytes. */
const NOTICE_BYTES_MAX = 7_900

// Its rows are not logged and its commits do not wait for a disk. What is lost with the database is lost like a frame.
const SEND = `
with put as (
  insert into lf.mail (recipient, sender, number, link, kind, body)
  select recipient, $1, number, link, kind, substring($6::bytea from start for length)
  from unnest($2::text[], $3::bigint[], $4::text[], $5::smallint[], $7::integer[], $8::integer[])
    as given(recipient, number, link, kind, start, length)
  where exists (select from lf.node where id = recipient)
)
select pg_notify('lf ' || recipient, payload) from unnest($9::text[], $10::text[]) as noted(recipient, payload)`

export function packed({ bodies, bytes: _, ...mail }: Waiting): Numbered {
  if (bodies.length === 1) return { ...mail, body: bodies[0] }
  return { ...mail, kind: MAIL.frames, body: packFrames(bodies) }
}

/** One after the other, each after its length as 32 bits. */
function packFrames(frames: readonly Uint8Array[]): Uint8Array {
  const parts = frames.flatMap((frame) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(frame.length)
    return [length, frame]
  })
  return Buffer.concat(parts)
}

export function unpackFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getUint32(at, true)
    frames.push(bytes.subarray(at + 4, end))
    at = end
  }
  return frames
}

/** Prepared once for each connection. */
export function sendingOf(nodeId: string, batch: readonly Numbered[]): pg.QueryConfig {
  const { bytes, starts, lengths } = oneParameter(batch.map(({ body }) => body))
  const recipients = [...new Set(batch.map(({ node }) => node))]
  return {
    name: "lf send mail",
    text: SEND,
    values: [
      nodeId,
      batch.map(({ node }) => node),
      batch.map(({ number }) => number),
      batch.map(({ link }) => link),
      batch.map(({ kind }) => kind),
      bytes,
      starts,
      lengths,
      recipients,
      recipients.map((node) =>
        encodeNotice(
          nodeId,
          batch.filter((mail) => mail.node === node),
        ),
      ),
    ],
  }
}

/** The mail itself where it is short enough; else nothing. */
function encodeNotice(sender: string, mail: readonly Numbered[]): string {
  const bytes = mail.reduce((sum, { body, link }) => sum + Math.ceil(body.length / 3) * 4 + link.length + 30, 0)
  if (bytes + sender.length > NOTICE_BYTES_MAX) return ""
  const pieces = mail.map(({ link, kind, body }) => `${link} ${kind} ${Buffer.from(body).toString("base64")}`)
  return [`${sender} ${mail[0].number}`, ...pieces].join("\n")
}

export function decodeNotice(payload: string): Numbered[] {
  const [head, ...pieces] = payload.split("\n")
  const [node, first] = head.split(" ")
  return pieces.map((piece, i) => {
    const [link, kind, body] = piece.split(" ")
    return { node, number: Number(first) + i, link, kind: Number(kind), body: Buffer.from(body, "base64") }
  })
}
