import { LfError } from "@lf/core"
import {
  type Host,
  loadChecksum,
  type OpenedLog,
  type Pipe,
  Semaphore,
  type StoredDocument,
  type StoredLog,
} from "@lf/core/internal"
import { Appender } from "./appender.ts"
import { type Connections, inTransaction } from "./connection.ts"
import { LEASE_MS, Lease, type Renewal } from "./lease.ts"
import { NodePeers } from "./node-peers.ts"
import type { Placement } from "./placement.ts"
import { type LogPlace, PostgresLog } from "./postgres-log.ts"
import { readDocument, recover } from "./recovery.ts"
import { checkStore, type MigratedStore, migrateStore, readVersion } from "./schema.ts"
import { CREATE, GO_ON, IS_FREE, IS_HERE, LOOK, REMOVE_ORPHANS } from "./shard-statements.ts"
import { toStoreError } from "./store-error.ts"
import { beginPlacement, type PlacementRow, placementOf, readPlacement, writePlacement } from "./stored-placement.ts"
import { within } from "./within.ts"

/** Documents of one database that are recovered at once. */
const RECOVERIES_MAX = 8
/** And so many of those that take this long to read: others are not to wait for them. */
const LARGE_RECOVERIES_MAX = 2
const LARGE_BYTES_MIN = 4_000_000
/** A database that does not answer holds up no server that ends: its claims run out by themselves. */
const CLOSE_MS_MAX = 5_000

export interface ShardOptions {
  readonly connections: Connections
  readonly namespace: string
  readonly nodeId: string
  readonly host: Pick<Host, "after">
  /** The ids of all databases that this node knows. */
  readonly stores: () => readonly string[]
  readonly openOrReach: (docId: string) => Promise<OpenedLog | Pipe>
  /** Called when a document's log was closed, by the document's key. */
  readonly onReleased: (key: string) => void
}

/** What a database holds of a document. */
export interface Look {
  /** The database's, at the same moment. */
  readonly placement: Placement
  readonly state: "absent" | "here" | "arriving" | "moved"
  /** The database that it moved to. */
  readonly movedTo: string | null
  /** This node's, if the document was taken. */
  readonly fence: bigint | null
  /** About what opening it reads. */
  readonly bytes: number
  /** No node owned it: the last one had let go of it. */
  readonly wasLetGo: boolean
  /** Another node that owns it; the lease of that node may have run out. */
  readonly owner: { readonly id: string; readonly isServing: boolean } | null
}

/** What a look says of a document that it took. */
export type TakenDocument = Pick<Look, "bytes" | "wasLetGo"> & { readonly fence: bigint }

interface LookRow extends PlacementRow {
  readonly is_found: boolean
  readonly moved_to: string | null
  readonly is_arriving: boolean | null
  readonly owner: string | null
  readonly is_serving: boolean
  readonly fence: string | null
  readonly bytes: string
  readonly was_let_go: boolean
}

/** The documents of one database, for one process. A document's key is its namespace, a slash and its id. */
export class Shard {
  readonly address: string
  readonly peers: NodePeers
  readonly connections: Connections
  readonly nodeId: string
  readonly #onReleased: (key: string) => void
  readonly #appender: Appender
  /** Of many that are opened together the first ones are there soon, and the others no later. */
  readonly #recoveries = new Semaphore(RECOVERIES_MAX)
  readonly #largeRecoveries = new Semaphore(LARGE_RECOVERIES_MAX)
  readonly #lease: Lease
  #id: string | null = null
  #began: Promise<void> | null = null
  /** The lease ran out at some time, or documents were moved, and the fences were not compared since. */
  #mustCheckFences = false
  readonly #logs = new Set<PostgresLog>()
  /** Logs that closed while the database did not answer: given up at the next renewal. */
  readonly #unreleased = new Set<PostgresLog>()

  constructor(options: ShardOptions) {
    const { connections, namespace, nodeId, host, stores, openOrReach } = options
    this.address = connections.address
    this.connections = connections
    this.nodeId = nodeId
    this.#onReleased = options.onReleased
    this.#appender = new Appender(connections.appends)
    this.peers = new NodePeers({
      nodeId,
      namespace,
      connections,
      host,
      openOrReach,
      docIdOf: (key) => key.slice(namespace.length + 1),
    })
    this.#lease = new Lease(connections.renewals, nodeId, {
      host,
      facts: () => ({ stores: stores(), isServing: this.peers.isServing }),
      onRenewed: (renewal) => this.#renewed(renewal),
    })
  }

  /** Null: it has not answered yet. */
  get id(): string | null {
    return this.#id
  }

  /** Makes or updates the tables; a second call changes nothing. @throws LOG_FORMAT_NEWER LOG_FAILED */
  migrate(): Promise<MigratedStore> {
    return migrateStore(this.connections.work)
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
    try {
      this.peers.confirm()
    } catch (error) {
      throw toStoreError(error, "servers wrote to each other")
    }
  }

  /** With `takes` it becomes this node's where no other node owns it. @throws LOG_FAILED */
  async look(key: string, { takes }: { readonly takes: boolean }): Promise<Look> {
    await this.begin()
    const values = [key, this.nodeId, takes]
    const [row] = await this.#query<LookRow>("a document was looked up", { text: LOOK, values })
    return {
      placement: placementOf(row),
      state: stateOf(row),
      movedTo: row.moved_to,
      fence: row.fence === null ? null : BigInt(row.fence),
      bytes: Number(row.bytes),
      wasLetGo: row.was_let_go || [...this.#unreleased].some(({ doc }) => doc === key),
      owner: row.owner === null ? null : { id: row.owner, isServing: row.is_serving },
    }
  }

  /** A new document of this node. Null: there is one, or the placement has another version by now. @throws LOG_FAILED LOG_FULL */
  async create(key: string, placementVersion: number): Promise<bigint | null> {
    const values = [key, this.nodeId, placementVersion]
    const rows = await this.#query<{ fence: string }>("a document was made", { text: CREATE, values })
    return rows.length > 0 ? BigInt(rows[0].fence) : null
  }

  /** The log of a document that this node took. @throws LOG_CORRUPT LOG_FORMAT_NEWER LOG_DEPOSED LOG_FAILED */
  recover(doc: string, { fence, bytes, wasLetGo }: TakenDocument): Promise<OpenedLog> {
    const turn = bytes < LARGE_BYTES_MIN ? this.#recoveries : this.#largeRecoveries
    return turn.run(() => this.#recover(doc, fence, wasLetGo))
  }

  async #recover(doc: string, fence: bigint, wasLetGo: boolean): Promise<OpenedLog> {
    const { work } = this.connections
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
      return { log, checkpoint, records, wasLetGo }
    } catch (error) {
      await this.giveUp([{ doc, fence }]).catch(() => {})
      throw error
    }
  }

  /** @throws LOG_FAILED */
  async placement(): Promise<Placement> {
    await this.begin()
    return await this.#during("the placement was read", readPlacement(this.connections.work))
  }

  /** See `beginPlacement`. @throws LOG_FAILED */
  async beginPlacement(first: Placement, options: { readonly mustBeEmpty: boolean }): Promise<void> {
    await this.begin()
    await this.#during("the first placement was written", beginPlacement(this.connections.work, first, options))
  }

  /** See `writePlacement`. @throws LOG_FAILED */
  async writePlacement(placement: Placement): Promise<void> {
    await this.#during("a placement was written", writePlacement(this.connections.work, placement))
  }

  /** Whether it has no document of any namespace. */
  async isEmpty(): Promise<boolean> {
    await this.begin()
    const text = "select exists (select from lf.document) as found"
    const [{ found }] = await this.#query<{ found: boolean }>("documents were looked up", { text, values: [] })
    return !found
  }

  /** Every document whose key begins with `prefix`; those too that have just moved, which are not all there yet where they went. */
  async list(prefix: string): Promise<StoredDocument[]> {
    await this.begin()
    const rows = await this.#query<{ id: string; bytes: string; changed_at: Date }>("documents were listed", {
      text: `select substr(doc, length($1) + 1) as id, log_bytes + coalesce(page_count, 0) * 4096 as bytes, changed_at
        from lf.document where starts_with(doc, $1) and not is_arriving`,
      values: [prefix],
    })
    return rows.map(({ id, bytes, changed_at }) => ({ docId: id, bytes: Number(bytes), changedAt: changed_at }))
  }

  async read(key: string): Promise<StoredLog | null> {
    await this.begin()
    try {
      const found = await readDocument(this.connections.work, key)
      return found === null ? null : { checkpoint: found.checkpoint, records: found.records }
    } catch (error) {
      throw toStoreError(error, "a document was read")
    }
  }

  /** One that does not exist is no error. @throws LOG_OWNED LOG_FAILED */
  async delete(key: string): Promise<void> {
    try {
      await inTransaction(this.connections.work, "begin", async (client) => {
        const { rows } = await client.query<{ is_found: boolean; number: string | null }>(
          `with found as (select from lf.document as document where doc = $1 and ${IS_HERE}),
           gone as (delete from lf.document as document where doc = $1 and ${IS_HERE} and ${IS_FREE} returning number)
           select exists (select from found) as is_found, (select number from gone) as number`,
          [key, this.nodeId],
        )
        const [{ is_found: isFound, number }] = rows
        if (isFound && number === null)
          throw new LfError("LOG_OWNED", `${key} is open in another process; close it there first`)
        // A statement of its own, which sees the rows of an append that the first one waited for.
        if (number !== null) await client.query("delete from lf.log where document = $1", [number])
      })
    } catch (error) {
      throw toStoreError(error, "a document was deleted")
    }
  }

  /** Closes every log. Others may open the documents when it resolves, or soon after where the database does not answer. */
  async close(): Promise<void> {
    await within(CLOSE_MS_MAX, this.#close())
  }

  async #close(): Promise<void> {
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
    await this.connections.end()
  }

  async #takeLease(): Promise<void> {
    await loadChecksum()
    const { appends, mail, work, renewals } = this.connections
    // By the connection whose answers are awaited for a second alone: one that hangs must not hold up the others' documents.
    if ((await readVersion(renewals)) === undefined) await migrateStore(work)
    else await checkStore(work)
    const { rows } = await work.query<{ id: string }>("select id from lf.store")
    this.#id = rows[0].id
    await work.query(GO_ON)
    await this.#lease.begin()
    // While there is room: calls may take all that is left.
    await Promise.all([appends, mail.sending].map((pool) => pool.query("select")))
    await this.peers.begin()
  }

  async #release(log: PostgresLog): Promise<void> {
    this.#logs.delete(log)
    const given = this.giveUp([log]).then(
      () => true,
      () => false,
    )
    // Longer it need not take: another node takes the document when the lease has run out.
    if ((await within(LEASE_MS, given)) !== true) this.#unreleased.add(log)
    this.#onReleased(log.doc)
  }

  /** Only where the fence is still this owner's. */
  async giveUp(logs: readonly { readonly doc: string; readonly fence: bigint }[]): Promise<void> {
    await this.connections.work.query(
      `update lf.document as document set owner = null
       from unnest($1::text[], $2::bigint[]) as given(doc, fence)
       where document.doc = given.doc and document.fence = given.fence`,
      [logs.map(({ doc }) => doc), logs.map(({ fence }) => fence)],
    )
  }

  async #renewed({ wasHeld, wasSeized }: Renewal): Promise<void> {
    // First of all: what follows may fail, and the next renewal does not say it again.
    this.#mustCheckFences ||= !wasHeld || wasSeized
    if (!wasHeld) this.peers.interrupted("this server's lease had run out")
    const unreleased = [...this.#unreleased]
    if (unreleased.length > 0) {
      await this.giveUp(unreleased)
      for (const log of unreleased) this.#unreleased.delete(log)
    }
    if (!this.#mustCheckFences) return
    await this.#checkFences()
    this.#mustCheckFences = false
  }

  /**
   * Ends the logs whose documents have other owners by now, or less than was written: a database that was put back. One query, however
   * many there are.
   */
  async #checkFences(): Promise<void> {
    const logs = [...this.#logs]
    if (logs.length === 0) return
    const rows = await this.#query<{ doc: string }>("fences were compared", {
      text: `select doc from lf.document as document
        join unnest($1::text[], $2::bigint[], $3::bigint[]) as given(doc, fence, position) using (doc, fence)
        where document.position >= given.position`,
      values: [logs.map(({ doc }) => doc), logs.map(({ fence }) => fence), logs.map(({ position }) => position)],
    })
    const held = new Set(rows.map(({ doc }) => doc))
    for (const log of logs) if (!held.has(log.doc)) log.depose()
  }

  async #query<Row extends object>(during: string, statement: { text: string; values: unknown[] }): Promise<Row[]> {
    return (await this.#during(during, this.connections.work.query<Row>(statement))).rows
  }

  async #during<T>(during: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw toStoreError(error, during)
    }
  }
}

function stateOf({ is_found, moved_to, is_arriving }: LookRow): Look["state"] {
  if (!is_found) return "absent"
  if (moved_to !== null) return "moved"
  return is_arriving === true ? "arriving" : "here"
}
