import type { Cancel, Host } from "@lf/core/internal"
import type pg from "pg"

/** Mail that no notice has announced is looked for so often (T22). */
const POLL_MS = 250
/** After a failure mail is sent again, and connections are made again. */
const RETRY_MS = 500
/** Shorter than what proxies and databases wait as a rule, before they cut an idle connection. */
const AWAKE_MS = 20_000
/** PostgreSQL 13 has no such setting. */
const STAY = `select set_config('idle_session_timeout', '0', false)
  where current_setting('idle_session_timeout', true) is not null`
/** What one statement carries at the most, unless a single piece is larger. */
const STATEMENT_BYTES_MAX = 4_000_000

/** Frames of one link that gather in one piece of mail. */
const PIECE_BYTES_MAX = 256_000

/** What a piece of mail does to the link that it names. `frames`: several, as `packFrames` makes them. */
export const MAIL = { open: 0, frame: 1, close: 2, openServer: 3, frames: 4 } as const

/** One piece between two nodes. */
export interface Mail {
  /** Who sends it, or who is to get it. */
  readonly node: string
  readonly link: string
  readonly kind: number
  readonly body: Uint8Array
}

export interface MailListener {
  /** In the order in which one node sent it. */
  arrived(mail: readonly Mail[]): void
  /** Mail may be lost: what was under way is over. */
  interrupted(): void
  noticed(payload: string): void
}

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

const TAKE = `delete from lf.mail where recipient = $1 returning sender, number, link, kind, body`

/** What a notice may hold, of PostgreSQL's 8,000 bytes. */
const NOTICE_BYTES_MAX = 7_900

export interface MailboxOptions {
  readonly nodeId: string
  readonly host: Pick<Host, "after">
  readonly sending: pg.Pool
  readonly taking: pg.Pool
  /** A connection of its own for notices, which is not connected yet. */
  readonly newClient: () => pg.Client
  readonly listener: MailListener
}

/** Mail with its place in what its sender has sent this node: 1, 2, 3 and so on. */
interface Numbered extends Mail {
  readonly number: number
}

/** Mail that has not been sent yet. */
interface Waiting extends Omit<Numbered, "body"> {
  /** More than one: frames. */
  readonly bodies: Uint8Array[]
  bytes: number
}

/**
 * The mail of one node, in a table that all nodes of a database share. A statement sends what has gathered while the one before it
 * was under way, and a notice which holds the same mail where it is short. So hardly any mail is read from the table: a poll, which
 * deletes what has come, finds what was too long, and what came with a notice that was lost.
 */
export class Mailbox {
  readonly #options: MailboxOptions
  #waiting: Waiting[] = []
  /** The last waiting piece of each link. */
  readonly #last = new Map<string, Waiting>()
  /** The last number sent to each node, and the last one that came from each. */
  readonly #sent = new Map<string, number>()
  readonly #came = new Map<string, number>()
  #sending: Promise<void> | null = null
  #taking: Promise<void> | null = null
  #isTakeDue = false
  #client: pg.Client | null = null
  /** The channel of all nodes. Its name is as secret as a node's id: a role that knows it may listen and write. */
  #notices = ""
  #cancel: Cancel = () => {}
  /** What cannot be sent is given up. */
  #isEnding = false
  #isClosed = false

  constructor(options: MailboxOptions) {
    this.#options = options
  }

  /** Resolves when notices are listened to. @throws what the database says */
  async begin(): Promise<void> {
    const { taking } = this.#options
    await taking.query("delete from lf.mail where recipient not in (select id from lf.node)")
    const { rows } = await taking.query<{ secret: string }>("select secret from lf.store")
    this.#notices = `lf ${rows[0].secret}`
    await this.#listen()
    this.#poll()
  }

  send(mail: Mail): void {
    if (this.#isClosed) return
    if (!this.#joins(mail)) this.#add(mail)
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
    })
  }

  async notify(payload: string): Promise<void> {
    await this.#options.sending.query("select pg_notify($1, $2)", [this.#notices, payload])
  }

  /** What was sent before has arrived when it resolves, or is lost with the database. */
  async close(): Promise<void> {
    this.#isEnding = true
    while (this.#sending !== null) await this.#sending
    this.#isClosed = true
    this.#cancel()
    await this.#taking
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }

  /** Deletes what came after the end. Called when the node has no lease any more: from then on it is sent nothing. */
  async sweep(): Promise<void> {
    await this.#options.taking.query("delete from lf.mail where recipient = $1", [this.#options.nodeId])
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What comes in the same turn is sent together.
      await new Promise(setImmediate)
      const batch = this.#takeBatch()
      try {
        await this.#options.sending.query(sendingOf(this.#options.nodeId, batch))
      } catch {
        this.#interrupted()
        // Ends of links are sent again, as new mail: the other node cannot know otherwise.
        const ends = [...batch, ...this.#waiting.splice(0).map(packed)].filter(({ kind }) => kind === MAIL.close)
        this.#last.clear()
        if (!this.#isEnding) for (const mail of ends) this.#add(mail)
        if (!this.#isEnding) await this.#pause()
      }
    }
  }

  /** A frame goes along with those that wait on its link. */
  #joins({ link, kind, body }: Mail): boolean {
    const last = this.#last.get(link)
    if (last === undefined || kind !== MAIL.frame || last.kind !== MAIL.frame) return false
    if (last.bytes + body.length > PIECE_BYTES_MAX) return false
    last.bodies.push(body)
    last.bytes += body.length
    return true
  }

  #add({ node, link, kind, body }: Mail): void {
    const number = (this.#sent.get(node) ?? 0) + 1
    this.#sent.set(node, number)
    const waiting = { node, link, kind, number, bodies: [body], bytes: body.length }
    this.#waiting.push(waiting)
    this.#last.set(link, waiting)
  }

  #takeBatch(): Numbered[] {
    let bytes = 0
    let count = 0
    for (const one of this.#waiting) {
      bytes += one.bytes
      if (count > 0 && bytes > STATEMENT_BYTES_MAX) break
      count++
    }
    const batch = this.#waiting.splice(0, count)
    for (const one of batch) if (this.#last.get(one.link) === one) this.#last.delete(one.link)
    return batch.map(packed)
  }

  #poll(): void {
    if (this.#isClosed) return
    this.#cancel = this.#options.host.after(POLL_MS, () => {
      if (this.#client === null) void this.#listen().catch(() => {})
      this.#take()
      this.#poll()
    })
  }

  /** At once, or again after the taking under way. */
  #take(): void {
    this.#isTakeDue = true
    this.#taking ??= this.#takeAll().finally(() => {
      this.#taking = null
    })
  }

  async #takeAll(): Promise<void> {
    const { taking, nodeId } = this.#options
    while (this.#isTakeDue && !this.#isClosed) {
      this.#isTakeDue = false
      try {
        const { rows } = await taking.query<Omit<Mail, "node"> & { number: string; sender: string }>({
          name: "lf take mail",
          text: TAKE,
          values: [nodeId],
        })
        const mail = rows.map(({ sender, number, ...one }) => ({ ...one, node: sender, number: Number(number) }))
        this.#arrived(mail.sort((a, b) => a.number - b.number))
      } catch {
        // What it took, if it did, is lost.
        this.#interrupted()
        await this.#pause()
      }
    }
  }

  /** Each piece once, and in the order of its sender: after a gap it is left to the table, which has all. */
  #noticed(payload: string): void {
    const mail = payload === "" ? [] : decodeNotice(payload)
    const isNext = mail.length > 0 && mail[0].number <= (this.#came.get(mail[0].node) ?? 0) + 1
    if (isNext) this.#arrived(mail)
    else this.#take()
  }

  #arrived(mail: readonly Numbered[]): void {
    const news = mail.filter(({ node, number }) => {
      const isNew = number > (this.#came.get(node) ?? 0)
      if (isNew) this.#came.set(node, number)
      return isNew
    })
    if (news.length > 0) this.#options.listener.arrived(news)
  }

  async #listen(): Promise<void> {
    const client = this.#options.newClient()
    this.#client = client
    const lost = () => {
      if (this.#client !== client) return
      this.#client = null
      // The database may have been started anew, with an empty table.
      this.#interrupted()
    }
    client.on("error", lost)
    client.on("end", lost)
    client.on("notification", ({ channel, payload = "" }) => {
      if (channel === this.#notices) this.#options.listener.noticed(payload)
      else this.#noticed(payload)
    })
    try {
      await client.connect()
      await client.query(STAY)
      await client.query(`listen ${client.escapeIdentifier(`lf ${this.#options.nodeId}`)}`)
      await client.query(`listen ${client.escapeIdentifier(this.#notices)}`)
      this.#keepAwake(client)
    } catch (error) {
      if (this.#client === client) this.#client = null
      client.end().catch(() => {})
      throw error
    }
    this.#take()
  }

  /** Notices may not come for hours: what cuts idle connections, also one that is dead unseen, is found by asking. */
  #keepAwake(client: pg.Client): void {
    this.#options.host.after(AWAKE_MS, () => {
      if (this.#client !== client) return
      client.query("select").then(
        () => this.#keepAwake(client),
        () => client.end().catch(() => {}), // its end is reported
      )
    })
  }

  #interrupted(): void {
    if (!this.#isEnding) this.#options.listener.interrupted()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.host.after(RETRY_MS, resolve))
  }
}

function packed({ bodies, bytes: _, ...mail }: Waiting): Numbered {
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

/** Prepared once for each connection. The bytes are one parameter: arrays of bytea travel as text in hex. */
function sendingOf(nodeId: string, batch: readonly Numbered[]): pg.QueryConfig {
  const starts: number[] = []
  let end = 1
  for (const { body } of batch) {
    starts.push(end)
    end += body.length
  }
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
      Buffer.concat(batch.map(({ body }) => body)),
      starts,
      batch.map(({ body }) => body.length),
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

function decodeNotice(payload: string): Numbered[] {
  const [head, ...pieces] = payload.split("\n")
  const [node, first] = head.split(" ")
  return pieces.map((piece, i) => {
    const [link, kind, body] = piece.split(" ")
    return { node, number: Number(first) + i, link, kind: Number(kind), body: Buffer.from(body, "base64") }
  })
}
