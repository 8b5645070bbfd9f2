import type { Cancel, Host } from "@lf/core/internal"
import type pg from "pg"

/** Mail that no notice has announced is looked for so often (T22). */
const POLL_MS = 250
/** After a failure mail is sent again, and connections are made again. */
const RETRY_MS = 500
/** What one statement carries at the most, unless a single piece is larger. */
const STATEMENT_BYTES_MAX = 4_000_000

/** What a piece of mail does to the link that it names. */
export const MAIL = { open: 0, frame: 1, close: 2 } as const

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
  insert into lf.mail (recipient, sender, link, kind, body)
  select recipient, $1, link, kind, substring($5::bytea from start for length)
  from unnest($2::text[], $3::text[], $4::smallint[], $6::integer[], $7::integer[])
    with ordinality as given(recipient, link, kind, start, length, place)
  order by place
  returning recipient
)
select pg_notify('lf ' || recipient, '') from (select distinct recipient from put) as put`

const TAKE = `delete from lf.mail where recipient = $1 returning number, sender, link, kind, body`

export const NOTICES = "lf notices"

export interface MailboxOptions {
  readonly nodeId: string
  readonly host: Pick<Host, "after">
  readonly sending: pg.Pool
  readonly taking: pg.Pool
  /** A connection of its own for notices, which is not connected yet. */
  readonly newClient: () => pg.Client
  readonly listener: MailListener
}

/**
 * The mail of one node, in a table that all nodes of a database share. A statement sends what has gathered while the one before it
 * was under way, and says so with a notice; polling finds what a lost notice announced.
 */
export class Mailbox {
  readonly #options: MailboxOptions
  #waiting: Mail[] = []
  #sending: Promise<void> | null = null
  #taking: Promise<void> | null = null
  #isTakeDue = false
  #client: pg.Client | null = null
  #cancel: Cancel = () => {}
  #isClosed = false

  constructor(options: MailboxOptions) {
    this.#options = options
  }

  /** Resolves when notices are listened to. @throws what the database says */
  async begin(): Promise<void> {
    const { taking } = this.#options
    await taking.query("delete from lf.mail where recipient not in (select id from lf.node)")
    await this.#listen()
    this.#poll()
  }

  send(mail: Mail): void {
    if (this.#isClosed) return
    this.#waiting.push(mail)
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
    })
  }

  async notify(payload: string): Promise<void> {
    await this.#options.sending.query("select pg_notify($1, $2)", [NOTICES, payload])
  }

  /** What was sent before has arrived when it resolves, or is lost with the database. */
  async close(): Promise<void> {
    while (this.#sending !== null) await this.#sending
    this.#isClosed = true
    this.#cancel()
    await this.#taking
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
    await this.#options.taking.query("delete from lf.mail where recipient = $1", [this.#options.nodeId]).catch(() => {})
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
        // Ends of links are sent again: the other node cannot know otherwise.
        const ends = batch.filter(({ kind }) => kind === MAIL.close)
        this.#waiting = [...ends, ...this.#waiting.filter(({ kind }) => kind === MAIL.close)]
        if (this.#isClosed || this.#waiting.length === 0) return
        await this.#pause()
      }
    }
  }

  #takeBatch(): Mail[] {
    let bytes = 0
    let count = 0
    for (const { body } of this.#waiting) {
      bytes += body.length
      if (count > 0 && bytes > STATEMENT_BYTES_MAX) break
      count++
    }
    return this.#waiting.splice(0, count)
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
    const { taking, nodeId, listener } = this.#options
    while (this.#isTakeDue && !this.#isClosed) {
      this.#isTakeDue = false
      try {
        const { rows } = await taking.query<Omit<Mail, "node"> & { number: string; sender: string }>({
          name: "lf take mail",
          text: TAKE,
          values: [nodeId],
        })
        rows.sort((a, b) => Number(a.number) - Number(b.number))
        const mail = rows.map(({ sender, link, kind, body }) => ({ node: sender, link, kind, body }))
        if (mail.length > 0) listener.arrived(mail)
      } catch {
        // What it took, if it did, is lost.
        this.#interrupted()
        await this.#pause()
      }
    }
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
      if (channel === NOTICES) this.#options.listener.noticed(payload)
      else this.#take()
    })
    try {
      await client.connect()
      await client.query(`listen ${client.escapeIdentifier(`lf ${this.#options.nodeId}`)}`)
      await client.query(`listen ${client.escapeIdentifier(NOTICES)}`)
    } catch (error) {
      if (this.#client === client) this.#client = null
      client.end().catch(() => {})
      throw error
    }
    this.#take()
  }

  #interrupted(): void {
    if (!this.#isClosed) this.#options.listener.interrupted()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.host.after(RETRY_MS, resolve))
  }
}

/** Prepared once for each connection. The bytes are one parameter: arrays of bytea travel as text in hex. */
function sendingOf(nodeId: string, batch: readonly Mail[]): pg.QueryConfig {
  const starts: number[] = []
  let end = 1
  for (const { body } of batch) {
    starts.push(end)
    end += body.length
  }
  return {
    name: "lf send mail",
    text: SEND,
    values: [
      nodeId,
      batch.map(({ node }) => node),
      batch.map(({ link }) => link),
      batch.map(({ kind }) => kind),
      Buffer.concat(batch.map(({ body }) => body)),
      starts,
      batch.map(({ body }) => body.length),
    ],
  }
}
