import type { Cancel, Host } from "@lf/core/internal"
import type pg from "pg"
import { decodeNotice, MAIL, type Mail, type Numbered, packed, sendingOf, type Waiting } from "./mail-pieces.ts"

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

/** A failure of mail that lasts longer is one of the server: nothing goes between it and others. */
const FAILED_MS_MAX = 3_000
/** After so many polls a piece follows what was sent last, so that its loss shows. */
const TRAILER_POLLS = 4

export interface MailListener {
  /** In the order in which one node sent it. */
  arrived(mail: readonly Mail[]): void
  /** Mail may be lost, of all nodes or of these: what was under way is over. */
  interrupted(nodes?: ReadonlySet<string>): void
  /** Notices may be lost. */
  missed(): void
  noticed(payload: string): void
}

const TAKE = `delete from lf.mail where recipient = $1 returning sender, number, link, kind, body`

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
  /** The last number to each node that has a trailer behind it. */
  readonly #trailed = new Map<string, number>()
  #polls = 0
  /** What sending, or taking, has failed with since. */
  readonly #failures = new Map<"sending" | "taking", { readonly sinceMs: number; readonly error: unknown }>()
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
    if (this.#client === null) await this.#listen()
    // One timer, also when what follows failed and it is called again.
    this.#cancel()
    this.#poll()
  }

  send(mail: Mail): void {
    if (this.#isClosed) return
    if (!this.#joins(mail)) this.#add(mail)
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
    })
  }

  /** @throws what mail has failed with for a while */
  confirm(): void {
    for (const { sinceMs, error } of this.#failures.values())
      if (performance.now() - sinceMs >= FAILED_MS_MAX) throw error
  }

  #failed(what: "sending" | "taking", error: unknown): void {
    const sinceMs = this.#failures.get(what)?.sinceMs ?? performance.now()
    this.#failures.set(what, { sinceMs, error })
  }

  async notify(payload: string): Promise<void> {
    // A database may have another encoding than the payload's letters.
    const text = Buffer.from(payload).toString("base64")
    await this.#options.sending.query("select pg_notify($1, $2)", [this.#notices, text])
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
        this.#failures.delete("sending")
      } catch (error) {
        this.#failed("sending", error)
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
      if (this.#client === null) {
        void this.#listen().then(
          () => this.#options.listener.missed(),
          () => {},
        )
      }
      this.#take()
      if (++this.#polls % TRAILER_POLLS === 0) this.#sendTrailers()
      this.#poll()
    })
  }

  #sendTrailers(): void {
    // To itself, to find out when it can be sent again.
    if (this.#failures.has("sending")) this.#sendTrailer(this.#options.nodeId)
    for (const [node, number] of this.#sent) {
      if (this.#trailed.get(node) === number) continue
      this.#trailed.set(node, number + 1)
      this.#sendTrailer(node)
    }
  }

  #sendTrailer(node: string): void {
    this.send({ node, link: "", kind: MAIL.trailer, body: new Uint8Array(0) })
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
        mail.sort((a, b) => a.number - b.number)
        const torn = this.#tornOf(mail)
        this.#arrived(mail)
        if (torn.size > 0) this.#interrupted(torn)
        this.#failures.delete("taking")
      } catch (error) {
        this.#failed("taking", error)
        // What it took, if it did, is lost.
        this.#interrupted()
        await this.#pause()
      }
    }
  }

  /** The table has all that was sent. The nodes of which a piece is missing: it was deleted, or could not be sent. */
  #tornOf(mail: readonly Numbered[]): Set<string> {
    const came = new Map(this.#came)
    const torn = new Set<string>()
    for (const { node, number } of mail) {
      const last = came.get(node) ?? 0
      if (number > last + 1) torn.add(node)
      came.set(node, Math.max(last, number))
    }
    return torn
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
      if (channel === this.#notices) this.#options.listener.noticed(Buffer.from(payload, "base64").toString())
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

  #interrupted(nodes?: ReadonlySet<string>): void {
    if (!this.#isEnding) this.#options.listener.interrupted(nodes)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.host.after(RETRY_MS, resolve))
  }
}
