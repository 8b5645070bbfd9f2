import { randomUUID } from "node:crypto"
import { LfError } from "@lf/core"
import { checkDocId, type Host, loadChecksum, type OpenedLog } from "@lf/core/internal"
import { Appender } from "./appender.ts"
import { type Connections, connectionsTo, inTransaction } from "./connection.ts"
import { Lease } from "./lease.ts"
import { type LogPlace, PostgresLog } from "./postgres-log.ts"
import { recover } from "./recovery.ts"
import { checkStore, type MigratedStore, migrateStore } from "./schema.ts"
import { toStoreError } from "./store-error.ts"

export interface PostgresStoreOptions {
  /** As `postgres://user:password@host/database`; it is in no message and no error. */
  readonly connectionString: string
  /** Of this process alone. By default a new one. */
  readonly nodeId?: string
  /** Its timers renew the lease. By default Node's. */
  readonly host?: Pick<Host, "after">
}

export interface StoredDocument {
  readonly doc: string
  /** Of the log and the checkpoint's pages. */
  readonly bytes: number
  /** Milliseconds since 1970, by the database's clock. */
  readonly changedAtMs: number
}

/** Whether its owner, if there is one, is another node whose lease holds. $1 is the document, $2 this node. */
const IS_FREE = `(document.owner is null or document.owner = $2 or not exists (
  select from lf.node where node.id = document.owner and node.lease_until > clock_timestamp()))`

const TAKE = `
insert into lf.document as document (doc, owner, fence) values ($1, $2, nextval('lf.number'))
on conflict (doc) do update set owner = excluded.owner, fence = excluded.fence where ${IS_FREE}
returning fence`

// An owner that was deposed sees the new owner's fence or, in an older snapshot, none of its parts.
const REMOVE_ORPHANS = `
delete from lf.checkpoint_part as part using lf.document as document
where part.doc = $1 and document.doc = $1 and document.fence = $2
  and part.checkpoint is distinct from document.checkpoint`

/**
 * The documents of one database for one node. The lease begins with the first document that is opened.
 * @throws LOG_FAILED when the connection string cannot be read
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  await loadChecksum()
  return new PostgresStore(connectionsTo(options.connectionString), options)
}

export class PostgresStore {
  readonly nodeId: string
  readonly #connections: Connections
  readonly #appender: Appender
  readonly #lease: Lease
  #began: Promise<void> | null = null
  #isClosed = false
  /** The lease ran out at some time, and the fences were not compared since. */
  #mustCheckFences = false
  /** Documents that this node opens or has open. Another node is kept out by the database. */
  readonly #taken = new Set<string>()
  readonly #logs = new Set<PostgresLog>()
  /** Logs that closed while the database did not answer: given up at the next renewal. */
  readonly #unreleased = new Set<PostgresLog>()

  constructor(connections: Connections, { nodeId = randomUUID(), host = nodeTimers }: PostgresStoreOptions) {
    this.nodeId = nodeId
    this.#connections = connections
    this.#appender = new Appender(connections.appends)
    this.#lease = new Lease(connections.renewals, nodeId, { host, onRenewed: (wasHeld) => this.#renewed(wasHeld) })
  }

  /** @throws LOG_FORMAT_NEWER, LOG_FAILED */
  migrate(): Promise<MigratedStore> {
    return migrateStore(this.#connections.work)
  }

  /**
   * Takes the document, made if missing, and reads what it holds.
   * @throws LOG_OWNED, LOG_CORRUPT, LOG_FORMAT_NEWER, LOG_DEPOSED, LOG_FULL, LOG_FAILED
   */
  async open(docId: string): Promise<OpenedLog> {
    const doc = checkDocId(docId)
    if (this.#isClosed) throw new LfError("LOG_CLOSED", "the store was closed")
    if (this.#taken.has(doc)) throw new LfError("LOG_OWNED", `${doc} is open in this process; close it first`)
    this.#taken.add(doc)
    try {
      await this.#begin()
      return await this.#take(doc)
    } catch (error) {
      this.#taken.delete(doc)
      throw toStoreError(error, "a document was opened")
    }
  }

  async has(docId: string): Promise<boolean> {
    const { rows } = await this.#query<{ found: boolean }>("a document was looked up", {
      text: "select exists (select from lf.document where doc = $1) as found",
      values: [checkDocId(docId)],
    })
    return rows[0].found
  }

  /** All documents, in the order of their ids. */
  async list(): Promise<StoredDocument[]> {
    const { rows } = await this.#query<{ doc: string; bytes: string; changed_at: Date }>("documents were listed", {
      text: "select doc, log_bytes + page_count * 4096 as bytes, changed_at from lf.document order by doc",
      values: [],
    })
    return rows.map(({ doc, bytes, changed_at }) => ({
      doc,
      bytes: Number(bytes),
      changedAtMs: changed_at.getTime(),
    }))
  }

  /** Deletes a document that is not open; one that does not exist is no error. @throws LOG_OWNED, LOG_FAILED */
  async delete(docId: string): Promise<void> {
    const doc = checkDocId(docId)
    if (this.#taken.has(doc)) throw new LfError("LOG_OWNED", `${doc} is open in this process; close it first`)
    try {
      await inTransaction(this.#connections.work, "begin", async (client) => {
        const gone = await client.query(
          `with found as (select from lf.document where doc = $1),
           gone as (delete from lf.document as document where doc = $1 and ${IS_FREE} returning doc)
           select (select count(*) from found)::int as found, (select count(*) from gone)::int as gone`,
          [doc, this.nodeId],
        )
        if (gone.rows[0].found > gone.rows[0].gone)
          throw new LfError("LOG_OWNED", `${doc} is open in another process; close it there first`)
        // A statement of its own, which sees the rows of an append that the first one waited for.
        await client.query("delete from lf.log where doc = $1", [doc])
      })
    } catch (error) {
      throw toStoreError(error, "a document was deleted")
    }
  }

  /** Closes every log. Others may open the documents when it resolves. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all(Array.from(this.#logs, (log) => log.close()))
    try {
      await this.#began?.catch(() => {})
      if (this.#began !== null) await this.#lease.end()
    } catch {
      // The lease runs out by itself.
    }
    await this.#connections.end()
  }

  #begin(): Promise<void> {
    this.#began ??= checkStore(this.#connections.work)
      .then(() => this.#lease.begin())
      .catch((error: unknown) => {
        this.#began = null
        throw error
      })
    return this.#began
  }

  async #take(doc: string): Promise<OpenedLog> {
    const { work } = this.#connections
    const { rows } = await work.query<{ fence: string }>(TAKE, [doc, this.nodeId])
    if (rows.length === 0) throw new LfError("LOG_OWNED", `${doc} is open in another process`)
    const fence = BigInt(rows[0].fence)
    try {
      const { position, checkpoint, records } = await recover(work, doc, fence)
      await work.query(REMOVE_ORPHANS, [doc, fence])
      const place: LogPlace = {
        doc,
        fence,
        work,
        appender: this.#appender,
        release: (log) => this.#release(log),
      }
      const log = new PostgresLog(place, position)
      this.#logs.add(log)
      return { log, checkpoint, records }
    } catch (error) {
      await this.#giveUp([{ doc, fence }]).catch(() => {})
      throw error
    }
  }

  async #release(log: PostgresLog): Promise<void> {
    this.#logs.delete(log)
    try {
      await this.#giveUp([log])
    } catch {
      this.#unreleased.add(log)
    }
    this.#taken.delete(log.doc)
  }

  /** Only where the fence is still this owner's. */
  async #giveUp(logs: readonly { readonly doc: string; readonly fence: bigint }[]): Promise<void> {
    await this.#connections.work.query(
      `update lf.document as document set owner = null
       from unnest($1::text[], $2::bigint[]) as given(doc, fence)
       where document.doc = given.doc and document.fence = given.fence`,
      [logs.map(({ doc }) => doc), logs.map(({ fence }) => fence)],
    )
  }

  async #renewed(wasHeld: boolean): Promise<void> {
    const unreleased = [...this.#unreleased]
    if (unreleased.length > 0) {
      await this.#giveUp(unreleased)
      for (const log of unreleased) this.#unreleased.delete(log)
    }
    this.#mustCheckFences ||= !wasHeld
    if (!this.#mustCheckFences) return
    await this.#checkFences()
    this.#mustCheckFences = false
  }

  /** Ends the logs whose documents have other owners by now. One query, however many there are. */
  async #checkFences(): Promise<void> {
    const logs = [...this.#logs]
    if (logs.length === 0) return
    const { rows } = await this.#query<{ doc: string }>("fences were compared", {
      text: `select doc from lf.document join unnest($1::text[], $2::bigint[]) as given(doc, fence) using (doc, fence)`,
      values: [logs.map(({ doc }) => doc), logs.map(({ fence }) => fence)],
    })
    const held = new Set(rows.map(({ doc }) => doc))
    for (const log of logs) if (!held.has(log.doc)) log.depose()
  }

  async #query<Row extends object>(during: string, statement: { text: string; values: unknown[] }) {
    try {
      return await this.#connections.work.query<Row>(statement)
    } catch (error) {
      throw toStoreError(error, during)
    }
  }
}

const nodeTimers: Pick<Host, "after"> = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
