import { randomUUID } from "node:crypto"
import { clearTimeout, setTimeout as startTimer } from "node:timers"
import { setTimeout } from "node:timers/promises"
import { LfError } from "@lf/core"
import {
  checkDocId,
  type DocumentStore,
  type Host,
  loadChecksum,
  type OpenedLog,
  type Pipe,
  type StoredDocument,
  type StoredLog,
} from "@lf/core/internal"
import { Appender } from "./appender.ts"
import { type Connections, connectionsTo, inTransaction } from "./connection.ts"
import { Lease } from "./lease.ts"
import { NodePeers } from "./node-peers.ts"
import { type LogPlace, PostgresLog } from "./postgres-log.ts"
import { readDocument, recover } from "./recovery.ts"
import { checkStore, type MigratedStore, migrateStore, readVersion } from "./schema.ts"
import { toStoreError } from "./store-error.ts"

export interface PostgresStoreOptions {
  /** As `postgres://user:password@host/database`; its password is in no message and no error. */
  readonly connectionString: string
  /**
   * Documents of several kinds in one database: each `createLf` names its own. 1 to 32 characters of a-z, 0-9, _ and -.
   * Default: "main".
   */
  readonly namespace?: string
  /** How long a command of `lf` waits for a server that has the document, in milliseconds. A server relays to it. Default: 3,000. */
  readonly ownerWaitMs?: number
  /** For tests: of this process alone. By default a new one. */
  readonly nodeId?: string
  /** For tests: its timers renew the lease. By default Node's. */
  readonly host?: Pick<Host, "after">
}

const OWNER_WAIT_MS = 3_000
const OWNER_POLL_MS = 50
const NAMESPACE = /^[a-z0-9_-]{1,32}$/

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
 * The documents of one database, for `createLf({ store })`. Connects when the first document is opened or looked up, and makes the
 * schema `lf` in a database that has none; `lf migrate-store` updates an older one.
 * @throws LOG_FAILED when the connection string cannot be read; TypeError for an invalid namespace
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  return new PostgresStore(connectionsTo(options.connectionString), options)
}

/** What `postgresStore` returns: the documents of one namespace, for one process. */
export class PostgresStore implements DocumentStore {
  readonly name: string
  readonly peers: NodePeers
  readonly nodeId: string
  readonly #namespace: string
  readonly #ownerWaitMs: number
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

  constructor(connections: Connections, options: PostgresStoreOptions) {
    const { namespace = "main", ownerWaitMs = OWNER_WAIT_MS, nodeId = randomUUID(), host = nodeTimers } = options
    if (!NAMESPACE.test(namespace))
      throw new TypeError(
        `postgresStore: expected \`namespace\` of 1 to 32 characters of a-z, 0-9, _ and -, got ${namespace}`,
      )
    this.name = `${connections.address}/${namespace}`
    this.#namespace = namespace
    this.#ownerWaitMs = ownerWaitMs
    this.nodeId = nodeId
    this.#connections = connections
    this.#appender = new Appender(connections.appends)
    this.#lease = new Lease(connections.renewals, nodeId, { host, onRenewed: (wasHeld) => this.#renewed(wasHeld) })
    this.peers = new NodePeers({
      nodeId,
      namespace,
      connections,
      host,
      openOrReach: (docId) => this.#openOrReach(docId),
      docIdOf: (document) => document.slice(this.#keyOf("").length),
    })
  }

  /** Makes or updates the tables; a second call changes nothing. @throws LOG_FORMAT_NEWER LOG_FAILED */
  migrate(): Promise<MigratedStore> {
    return migrateStore(this.#connections.work)
  }

  /** Throws too while the database does not answer. @throws LOG_FORMAT_NEWER LOG_FAILED */
  async begin(): Promise<void> {
    this.#began ??= this.#takeLease().catch((error: unknown) => {
      this.#began = null
      throw toStoreError(error, "the store was opened")
    })
    await this.#began
    try {
      await this.#lease.confirm()
    } catch (error) {
      throw toStoreError(error, "the lease was renewed")
    }
  }

  open(docId: string): Promise<OpenedLog> {
    return this.#claim(docId, async (key) => await this.#recover(key, await this.#takeFence(key)))
  }

  async #openOrReach(docId: string): Promise<OpenedLog | Pipe> {
    return await this.#claim(docId, async (key) => {
      const fence = await this.#tryFence(key)
      if (fence !== null) return await this.#recover(key, fence)
      this.#taken.delete(key)
      const { rows } = await this.#connections.work.query<{ owner: string }>(
        "select owner from lf.document join lf.node on id = owner where doc = $1 and owner <> $2",
        [key, this.nodeId],
      )
      if (rows.length === 0) throw new LfError("LOG_OWNED", `the owner of ${docId} is ending`)
      return this.peers.reach(rows[0].owner, key)
    })
  }

  /** Within this process, one at a time opens a document. */
  async #claim<T>(docId: string, open: (key: string) => Promise<T>): Promise<T> {
    const key = this.#keyOf(docId)
    if (this.#isClosed) throw new LfError("LOG_CLOSED", "the store was closed")
    if (this.#taken.has(key)) throw new LfError("LOG_OWNED", `${docId} is open in this process; close it first`)
    this.#taken.add(key)
    try {
      await this.begin()
      return await open(key)
    } catch (error) {
      this.#taken.delete(key)
      throw toStoreError(error, "a document was opened")
    }
  }

  async has(docId: string): Promise<boolean> {
    const key = this.#keyOf(docId)
    await this.begin()
    const { rows } = await this.#query<{ found: boolean }>("a document was looked up", {
      text: "select exists (select from lf.document where doc = $1) as found",
      values: [key],
    })
    return rows[0].found
  }

  async list(): Promise<StoredDocument[]> {
    await this.begin()
    const { rows } = await this.#query<{ id: string; bytes: string; changed_at: Date }>("documents were listed", {
      text: `select substr(doc, length($1) + 1) as id, log_bytes + page_count * 4096 as bytes, changed_at
        from lf.document where starts_with(doc, $1) order by doc collate "C"`,
      values: [this.#keyOf("")],
    })
    return rows.map(({ id, bytes, changed_at }) => ({ docId: id, bytes: Number(bytes), changedAt: changed_at }))
  }

  async read(docId: string): Promise<StoredLog | null> {
    const key = this.#keyOf(docId)
    await this.begin()
    try {
      const found = await readDocument(this.#connections.work, key)
      return found === null ? null : { checkpoint: found.checkpoint, records: found.records }
    } catch (error) {
      throw toStoreError(error, "a document was read")
    }
  }

  /** One that does not exist is no error. */
  async delete(docId: string): Promise<void> {
    const key = this.#keyOf(docId)
    if (this.#taken.has(key)) throw new LfError("LOG_OWNED", `${docId} is open in this process; close it first`)
    try {
      await inTransaction(this.#connections.work, "begin", async (client) => {
        const gone = await client.query(
          `with found as (select from lf.document where doc = $1),
           gone as (delete from lf.document as document where doc = $1 and ${IS_FREE} returning doc)
           select (select count(*) from found)::int as found, (select count(*) from gone)::int as gone`,
          [key, this.nodeId],
        )
        if (gone.rows[0].found > gone.rows[0].gone)
          throw new LfError("LOG_OWNED", `${docId} is open in another process; close it there first`)
        // A statement of its own, which sees the rows of an append that the first one waited for.
        await client.query("delete from lf.log where doc = $1", [key])
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
    await this.peers.close()
    try {
      await this.#began?.catch(() => {})
      if (this.#began !== null) {
        await this.#lease.end()
        await this.peers.sweep()
      }
    } catch {
      // The lease runs out by itself.
    }
    await this.#connections.end()
  }

  /** What the database calls a document. No id of a document has a slash. */
  #keyOf(docId: string): string {
    return `${this.#namespace}/${docId === "" ? "" : checkDocId(docId)}`
  }

  async #takeLease(): Promise<void> {
    await loadChecksum()
    const { work } = this.#connections
    if ((await readVersion(work)) === undefined) await migrateStore(work)
    else await checkStore(work)
    await this.#lease.begin()
    await this.peers.begin()
  }

  async #recover(doc: string, fence: bigint): Promise<OpenedLog> {
    const { work } = this.#connections
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

  /** Waits for an owner that ends, or whose lease runs out. */
  async #takeFence(doc: string): Promise<bigint> {
    const startedMs = performance.now()
    for (;;) {
      const fence = await this.#tryFence(doc)
      if (fence !== null) return fence
      if (this.#isClosed) throw new LfError("LOG_CLOSED", "the store was closed")
      const waitedMs = performance.now() - startedMs
      if (waitedMs >= this.#ownerWaitMs)
        throw new LfError("LOG_OWNED", `another server has had ${doc} open for the last ${Math.round(waitedMs)} ms`)
      // Unlike the lease's, this timer keeps a process alive: what waits here is its work.
      await setTimeout(OWNER_POLL_MS)
    }
  }

  /** Null: another node, whose lease holds, has it. */
  async #tryFence(doc: string): Promise<bigint | null> {
    const { rows } = await this.#connections.work.query<{ fence: string }>(TAKE, [doc, this.nodeId])
    return rows.length > 0 ? BigInt(rows[0].fence) : null
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
    if (!wasHeld) this.peers.interrupted("this server's lease had run out")
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
    const timer = startTimer(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
