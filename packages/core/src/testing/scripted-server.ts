import { assert } from "../base/assert.ts"
import { concatBytes } from "../base/bytes.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Session, type SessionOptions, type SessionState } from "../local/session.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import type { Chunk, ClientMessage, Pages, ServerMessage, Welcome } from "../network/message.ts"
import type { Network, Pipe } from "../network/network.ts"
import { Database } from "../sqlite/database.ts"
import type { Page } from "../sqlite/page.ts"
import { Storage } from "../storage/storage.ts"
import { migrate } from "../timeline/schema.ts"
import { SeededRandom } from "./seeded-random.ts"
import { SimClock, SimHost } from "./sim-host.ts"
import { turn } from "./sim-node.ts"
import { loadSqlite, mutator } from "./small-world.ts"

export type Say = (message: ServerMessage) => void

/** A server that a test scripts, and one client of it on a virtual clock. */
export class ScriptedServer implements Network {
  readonly clock = new SimClock()
  readonly host = new SimHost(this.clock, new SeededRandom(1))
  readonly received: ClientMessage[] = []
  /** When each connection was asked for. */
  readonly askedAtMs: number[] = []
  /** The server's ends of all connections. */
  readonly pipes: Pipe[] = []
  /** Why each connection ended, as far as it did. */
  readonly ends: string[] = []
  /** What it says to each message. Without an answer of its own it welcomes, and takes what is pushed. */
  answer: (message: ClientMessage, say: Say) => void = (message, say) => this.takeAll(message, say)
  /** Awaited before a connection is there. */
  way: () => Promise<void> = async () => {}
  welcome: Partial<Welcome> = {}
  /** Where the last pages that it said lead to. */
  #at = { lsn: lsn(0), checksum: 0n }

  async connect(): Promise<Pipe> {
    this.askedAtMs.push(this.clock.nowMs)
    await this.way()
    const [near, far] = memoryPipe()
    this.pipes.push(far)
    const say = (message: ServerMessage) => {
      if (message.type === "pages") this.#at = { lsn: message.to, checksum: message.changeset.after }
      if (message.type === "chunk") this.#at = { lsn: message.to, checksum: message.checksum }
      far.send(encodeMessage(message))
    }
    far.listen({
      frame: (frame) => {
        const message = decodeMessage(frame) as ClientMessage // a client sends no others
        this.received.push(message)
        this.answer(message, say)
      },
      closed: (reason) => this.ends.push(reason),
    })
    return near
  }

  takeAll(message: ClientMessage, say: Say): void {
    if (message.type === "hello") {
      const schema = mutator.migrations.map(({ hash }) => hash)
      const begin = { epoch: "e", clientLsn: lsn(0), clientHash: 0n, ...this.#at, schema, user: null }
      say({ type: "welcome", ...begin, ...this.welcome })
    }
    if (message.type === "ping") say({ type: "pong" })
    if (message.type === "sync-mutations")
      say({ type: "cursor", lsn: lsn(message.batch.from + message.batch.entries.length) })
  }

  /** Advances the clock by `ms` and runs everything due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.nowMs + ms
    await turn()
    while (this.clock.nextAtMs <= endMs) {
      this.clock.runNext()
      await turn()
    }
    this.clock.nowMs = endMs
  }

  /** How many messages of a type it received. */
  count(type: ClientMessage["type"]): number {
    return this.received.filter((message) => message.type === type).length
  }

  /** The byte that says how soon a retry comes: 255 as late as it may. */
  retryByte(byte: number): void {
    const random = new SeededRandom(2)
    this.host.randomBytes = (count) => (count === 1 ? Uint8Array.of(byte) : random.bytes(count))
  }

  async local(disk = new MemoryDisk()): Promise<Local> {
    const { host } = this
    const local = new Local({ opened: await disk.open("d"), module: await loadSqlite(), mutator, host, user: null })
    this.retryByte(255)
    return local
  }

  /** A session and every state that it showed. */
  async session(given: Partial<SessionOptions> = {}) {
    const local = given.local ?? (await this.local())
    const states: SessionState[] = []
    const onChange = () => states.push(session.state)
    const session: Session = new Session({ docId: "d", local, network: this, host: this.host, onChange, ...given })
    const first = session.state
    await this.pass(0)
    return { local, session, states, first }
  }
}

/** A document as a server has it: its own tables and the app's, and what a test puts there. */
export class ServerDocument {
  readonly #storage = new Storage()
  readonly db: Database

  constructor(db: (storage: Storage) => Database) {
    this.db = db(this.#storage)
  }

  static async open(isMigrated = true): Promise<ServerDocument> {
    const module = await loadSqlite()
    const document = new ServerDocument((storage) => new Database(module, storage))
    if (isMigrated) migrate(document.db, mutator)
    return document
  }

  /** Says that the mutations of a client were applied up to a position with that hash. */
  apply(clientId: string, position: number, hash: bigint): void {
    const signed = BigInt.asIntN(64, hash)
    this.db.exec("insert or replace into __lf_mutations values (?, ?, ?)", clientId, position, signed)
  }

  /** All of it, at a position. */
  whole(position: number, outcomes: Chunk["outcomes"] = []): Chunk {
    this.#storage.commit()
    return wholeOf([...this.#storage.snapshot()], position, outcomes)
  }

  /** What one more todo changes, at a position. */
  next(position: number): Pages {
    this.#storage.commit()
    this.db.exec("insert into todos values (?, ?, 0, 0)", `next ${position}`, "one more")
    const changeset = this.#storage.commit()
    assert(changeset !== null, "a todo changes a page")
    return { type: "pages", from: lsn(0), to: lsn(position), isLast: true, bytesTotal: 0, changeset, outcomes: [] }
  }
}

/** All pages in one part, as they are. */
export function wholeOf(pages: readonly Page[], position: number, outcomes: Chunk["outcomes"] = []): Chunk {
  const { checksum } = new Storage(pages)
  const { length: count } = pages
  return {
    ...{ type: "chunk", from: lsn(0), to: lsn(position), pageCount: count, checksum },
    ...{ isLast: true, bytesTotal: 0, pageNo: 1, count, block: concatBytes(pages), outcomes },
  }
}
