import { randomUUID } from "node:crypto"
import { clearTimeout, setTimeout as startTimer } from "node:timers"
import { setTimeout } from "node:timers/promises"
import { LfError } from "@lf/core"
import {
  checkDocId,
  type DocumentStore,
  type Host,
  type OpenedLog,
  type Pipe,
  type StoredDocument,
  type StoredLog,
} from "@lf/core/internal"
import { connectionsTo } from "./connection.ts"
import { BLOCK_MS_MAX } from "./lease.ts"
import { Locator } from "./locator.ts"
import { type Rebalanced, type RebalanceOptions, rebalance } from "./rebalance.ts"
import type { MigratedStore } from "./schema.ts"
import { type Look, Shard, type TakenDocument } from "./shard.ts"
import { ShardPeers } from "./shard-peers.ts"
import { toStoreError } from "./store-error.ts"

export interface PostgresStoreOptions {
  /** As `postgres://user:password@host/database`; its password is in no message and no error. This or `shards`. */
  readonly connectionString?: string
  /**
   * Several databases, over which documents are spread: a connection string for each, in any order. All servers have the same ones.
   * When the list has changed, `lf rebalance` moves what has to move. One is the same as a `connectionString`.
   */
  readonly shards?: readonly string[]
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
const NODE_ID = /^[a-z0-9_-]{1,60}$/

/**
 * The documents of one database or of several, for `createLf({ store })`. Connects when the first document is opened or looked up, and
 * makes the schema `lf` in a database that has none; `lf migrate-store` updates an older one.
 * @throws LOG_FAILED when a connection string cannot be read; TypeError for an invalid namespace, or without a database
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  return new PostgresStore(options)
}

/** A document that this node took, or that another one has. */
interface Taken extends TakenDocument {
  readonly shard: Shard
}

type Held = Taken | { readonly shard: Shard; readonly owner: Look["owner"] }

/** What `postgresStore` returns: the documents of one namespace, for one process. */
export class PostgresStore implements DocumentStore {
  readonly name: string
  readonly peers: ShardPeers
  readonly blockMsMax = BLOCK_MS_MAX
  readonly nodeId: string
  readonly #namespace: string
  readonly #ownerWaitMs: number
  readonly #shards: readonly Shard[]
  readonly #locator: Locator
  #isClosed = false
  /** Documents that this node opens or has open. Another node is kept out by the database. */
  readonly #taken = new Set<string>()

  constructor(options: PostgresStoreOptions) {
    const { namespace = "main", ownerWaitMs = OWNER_WAIT_MS, nodeId = randomUUID(), host = nodeTimers } = options
    if (!NAMESPACE.test(namespace))
      throw new TypeError(
        `postgresStore: expected \`namespace\` of 1 to 32 characters of a-z, 0-9, _ and -, got ${namespace}`,
      )
    if (!NODE_ID.test(nodeId))
      throw new TypeError(
        `postgresStore: expected \`nodeId\` of 1 to 60 characters of a-z, 0-9, _ and -, got ${nodeId}`,
      )
    const openOrReach = (docId: string) => this.#openOrReach(docId)
    this.#shards = databasesOf(options).map(
      (connectionString) =>
        new Shard({
          connections: connectionsTo(connectionString),
          namespace,
          nodeId,
          host,
          openOrReach,
          stores: () => this.#shards.flatMap(({ id }) => id ?? []),
          onReleased: (key) => this.#taken.delete(key),
        }),
    )
    const addresses = this.#shards.map(({ address }) => address)
    this.name = `${addresses.toSorted().join(" ")}/${namespace}`
    this.#namespace = namespace
    this.#ownerWaitMs = ownerWaitMs
    this.nodeId = nodeId
    this.#locator = new Locator(this.#shards)
    this.peers = new ShardPeers(this.#shards, openOrReach)
  }

  /** Makes or updates the tables of all databases; a second call changes nothing. @throws LOG_FORMAT_NEWER LOG_FAILED */
  async migrate(): Promise<MigratedStore> {
    const migrated = await Promise.all(this.#shards.map((shard) => shard.migrate()))
    return migrated.reduce((oldest, one) => (one.from < oldest.from ? one : oldest))
  }

  /**
   * Moves documents to their homes when `shards` has changed. Servers go on meanwhile: a document that is open opens at its new
   * place.
   * @throws LOG_OWNED when another call runs; LOG_FAILED when a database does not answer, or a running server does not know it
   */
  rebalance(options?: RebalanceOptions): Promise<Rebalanced> {
    return rebalance(this.#shards, options)
  }

  /** Of several databases one suffices: documents of another one fail by themselves. @throws LOG_FORMAT_NEWER LOG_FAILED */
  async begin(): Promise<void> {
    try {
      await Promise.any(this.#shards.map((shard) => shard.begin()))
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    }
    await this.#locator.placement()
  }

  open(docId: string): Promise<OpenedLog> {
    return this.#claim(docId, async (key) => {
      const { shard, ...taken } = await this.#take(key)
      return await shard.recover(key, taken)
    })
  }

  async #openOrReach(docId: string): Promise<OpenedLog | Pipe> {
    return await this.#claim(docId, async (key) => {
      const held = await this.#tryTake(key)
      if ("fence" in held) return await held.shard.recover(key, held)
      const { shard, owner } = held
      this.#taken.delete(key)
      if (owner === null || !owner.isServing) throw new LfError("LOG_OWNED", `the owner of ${docId} is ending`)
      return shard.peers.reach(owner.id, key)
    })
  }

  /** Within this process, one at a time opens a document. */
  async #claim<T>(docId: string, open: (key: string) => Promise<T>): Promise<T> {
    const key = this.#keyOf(docId)
    if (this.#isClosed) throw new LfError("LOG_CLOSED", "the store was closed")
    if (this.#taken.has(key)) throw new LfError("LOG_OWNED", `${docId} is open in this process; close it first`)
    this.#taken.add(key)
    try {
      return await open(key)
    } catch (error) {
      this.#taken.delete(key)
      throw toStoreError(error, "a document was opened")
    }
  }

  /** Waits for an owner that ends, or whose lease runs out. */
  async #take(key: string): Promise<Taken> {
    const startedMs = performance.now()
    for (;;) {
      const held = await this.#tryTake(key)
      if ("fence" in held) return held
      if (this.#isClosed) throw new LfError("LOG_CLOSED", "the store was closed")
      const waitedMs = performance.now() - startedMs
      if (waitedMs >= this.#ownerWaitMs)
        throw new LfError("LOG_OWNED", `another server has had ${key} open for the last ${Math.round(waitedMs)} ms`)
      // Unlike the lease's, this timer keeps a process alive: what waits here is its work.
      await setTimeout(OWNER_POLL_MS)
    }
  }

  /** One that is nowhere is made at its home. */
  async #tryTake(key: string): Promise<Held> {
    for (;;) {
      const { shard, look } = await this.#locator.locate(key, { takes: true })
      const { fence: taken, bytes, wasLetGo } = look
      if (taken !== null) return { shard, fence: taken, bytes, wasLetGo }
      if (look.state === "here") return { shard, owner: look.owner }
      const fence = await shard.create(key, look.placement.version)
      if (fence !== null) return { shard, fence, bytes: 0, wasLetGo: true }
    }
  }

  async has(docId: string): Promise<boolean> {
    const { look } = await this.#locator.locate(this.#keyOf(docId), { takes: false })
    return look.state === "here"
  }

  async list(): Promise<StoredDocument[]> {
    const prefix = this.#keyOf("")
    await this.begin()
    const placements =
      this.#shards.length === 1 ? [] : await Promise.all(this.#shards.map((shard) => shard.placement()))
    const isSettled = placements.every((one) => one.isSettled)
    const documents = new Map<string, StoredDocument>()
    // While documents move, one may leave a database that was not read for one that was.
    for (let pass = 0; pass < (isSettled ? 1 : 2); pass++) {
      const lists = await Promise.all(this.#shards.map((shard) => shard.list(prefix)))
      for (const one of lists.flat()) documents.set(one.docId, one)
    }
    return [...documents.values()].sort((a, b) => (a.docId < b.docId ? -1 : 1))
  }

  async read(docId: string): Promise<StoredLog | null> {
    const key = this.#keyOf(docId)
    for (;;) {
      const { shard, look } = await this.#locator.locate(key, { takes: false })
      const stored = look.state === "here" ? await shard.read(key) : null
      // It moved or was deleted meanwhile.
      if (stored !== null || look.state !== "here") return stored
    }
  }

  /** One that does not exist is no error. */
  async delete(docId: string): Promise<void> {
    const key = this.#keyOf(docId)
    if (this.#taken.has(key)) throw new LfError("LOG_OWNED", `${docId} is open in this process; close it first`)
    for (;;) {
      const { shard, look } = await this.#locator.locate(key, { takes: false })
      if (look.state !== "here") return
      await shard.delete(key)
    }
  }

  /** Closes every log. Others may open the documents when it resolves. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all(this.#shards.map((shard) => shard.close()))
  }

  /** What the database calls a document. No id of a document has a slash. */
  #keyOf(docId: string): string {
    return `${this.#namespace}/${docId === "" ? "" : checkDocId(docId)}`
  }
}

function databasesOf({ connectionString, shards }: PostgresStoreOptions): readonly string[] {
  const given: unknown = shards ?? (connectionString === undefined ? [] : [connectionString])
  if (!Array.isArray(given) || given.length === 0 || (shards !== undefined && connectionString !== undefined))
    throw new TypeError("postgresStore: expected `connectionString`, or `shards` with at least one, and not both")
  const other = given.findIndex((one) => typeof one !== "string" || one.trim() === "")
  if (other >= 0)
    throw new TypeError(`postgresStore: expected connection strings, and number ${other + 1} is blank or no text`)
  return given
}

const nodeTimers: Pick<Host, "after"> = {
  after(delayMs, run) {
    const timer = startTimer(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
