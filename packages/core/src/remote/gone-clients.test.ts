import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { clientIdOf } from "../base/ids.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { encodeMessage } from "../network/codec.ts"
import type { Message } from "../network/message.ts"
import type { PipeListener } from "../network/network.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { serve } from "../testing/admit.ts"
import { helloOf } from "../testing/hello.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { ClientList } from "./client-list.ts"
import { CLIENT_FORGOTTEN_MS, FORGOTTEN_AT_ONCE_MAX } from "./gone-clients.ts"
import { Remote } from "./remote.ts"
import type { RemoteOptions } from "./remote-options.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const DAY_MS = 24 * 3600 * 1000
const Note = defineMutation("Note", z.string(), (tx, text) => {
  if (text === "") throw new Reject("empty")
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({ migrations: [sql`create table notes (text text) strict`], mutations: [Note] })

/** A server on a disk and a clock that the test owns. */
class Server {
  readonly disk = new MemoryDisk()
  readonly clock = new SimClock()
  readonly options: Partial<RemoteOptions>
  remote!: Remote

  constructor(options: Partial<RemoteOptions> = {}) {
    this.options = options
  }

  async start(): Promise<void> {
    const host = new SimHost(this.clock, new SeededRandom(1))
    this.remote = await Remote.recover({
      opened: await this.disk.open("d"),
      loadSqlite,
      mutator,
      host,
      ...this.options,
    })
  }

  async restartAfter(days: number): Promise<void> {
    await this.remote.close()
    this.clock.nowMs += days * DAY_MS
    await this.start()
  }

  /** Writes a row by a mutation of the server. */
  async write(): Promise<void> {
    await this.remote.mutate("Note", "own", null)
  }

  /** The client ids in the document's `table`, without the server's. */
  async ids(table: "mutations" | "rejections" = "mutations"): Promise<string[]> {
    const db = new Database(await loadSqlite(), new Storage(this.remote.pages))
    const rows = db.exec(`select client_id from __lf_${table} where client_id <> 'server' order by 1`)
    db.close()
    return rows.map((row) => String(row.client_id))
  }

  /** What is kept of clients outside of the document, read while the server is closed. */
  async atRest(): Promise<{ journals: number; owners: string[]; contacts: number; contactEntries: number }> {
    await this.remote.close()
    const store = new RemoteStore(await this.disk.open("d"), new SimHost(this.clock, new SeededRandom(1)))
    const contacts = Array.from(store.contacts.iter(), ({ entry }) => entry.clientId)
    const rest = {
      journals: store.streams.names().filter((name) => name.startsWith("client/") && name !== "client/server").length,
      owners: Array.from(store.bindings.iter(), ({ entry }) => entry.clientId),
      contacts: new Set(contacts).size,
      contactEntries: contacts.length,
    }
    await store.streams.close()
    await this.start()
    return rest
  }
}

/** A client with the secret `n`. */
class Client {
  readonly #send: (message: Message) => Promise<void>
  readonly leave: () => void

  constructor({ remote, clock }: Server, n: number) {
    let inside: PipeListener = { frame: () => {}, closed: () => {} }
    const listen = (listener: PipeListener) => {
      inside = listener
    }
    serve({ send: () => {}, close: () => {}, listen }, new SimHost(clock, new SeededRandom(1)), remote)
    inside.frame(encodeMessage(helloOf({ secret: secretOf(n) })))
    this.leave = () => inside.closed("gone")
    this.#send = async (message) => {
      inside.frame(encodeMessage(message))
      for (let i = 0; i < 5; i++) await turn()
    }
  }

  async push(...texts: string[]): Promise<void> {
    const entries = texts.map((text, i) => mutationCodec.encode({ uid: uidOf(i), name: "Note", args: text, at: 1 }))
    const batch = { from: lsn(0), previousHash: 0n, entries }
    await this.#send({ type: "sync-mutations", batch, confirmed: lsn(0) })
  }

  async ask(outcomesSeen: number): Promise<void> {
    await this.#send({
      type: "sync-storage",
      cursor: lsn(0),
      outcomesSeen: lsn(outcomesSeen),
      resumeLsn: lsn(0),
      resumePages: 0,
    })
  }
}

const secretOf = (n: number) => new Uint8Array(32).fill(n)
const idOf = (n: number) => clientIdOf(secretOf(n))
const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** Client 1 sent two mutations, the second was rejected; it confirmed the outcomes and left. */
async function withOneGone(has = 2, options: Partial<RemoteOptions> = {}): Promise<Server> {
  const server = new Server(options)
  await server.start()
  const client = new Client(server, 1)
  await client.push("a", "")
  await client.ask(has)
  client.leave()
  return server
}

test("the horizon is 90 days", () => expect(CLIENT_FORGOTTEN_MS).toBe(90 * DAY_MS))

describe("a client that left", () => {
  test("with every outcome is forgotten by the next write after the horizon, not before (I17)", async () => {
    const server = await withOneGone()
    await server.restartAfter(89)
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
    await server.restartAfter(1.1)
    expect(await server.ids()).toEqual([idOf(1)])
    await server.write()
    expect([await server.ids(), await server.ids("rejections")]).toEqual([[], []])
    expect(await server.atRest()).toEqual({ journals: 0, owners: [], contacts: 0, contactEntries: 0 })
  })

  test("is forgotten also by a server that never stopped", async () => {
    const server = await withOneGone()
    server.clock.nowMs += 91 * DAY_MS
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
    await server.remote.checkpoint()
    await server.write()
    expect(await server.ids()).toEqual([])
  })

  test("and lacks an outcome is never forgotten (I2)", async () => {
    const server = await withOneGone(1)
    await server.restartAfter(1000)
    await server.write()
    expect([await server.ids(), await server.ids("rejections")]).toEqual([[idOf(1)], [idOf(1)]])
    const back = new Client(server, 1)
    await back.ask(2)
    back.leave()
    await server.restartAfter(91)
    await server.write()
    expect(await server.ids()).toEqual([])
  })

  test("whose effects were not delivered is kept until they are (S19)", async () => {
    let isUp = false
    const onApplied = async ({ args }: { args: unknown }) => {
      if (args === "a" && !isUp) throw new Error("mail server")
    }
    const server = await withOneGone(2, { onApplied })
    await server.restartAfter(91)
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
    isUp = true
    await server.restartAfter(0)
    for (let i = 0; i < 5; i++) await turn()
    await server.remote.checkpoint()
    await server.write()
    expect(await server.ids()).toEqual([])
    expect(await server.atRest()).toMatchObject({ journals: 0, contacts: 0 })
  })

  test("and requests pages again starts a new horizon; what it has seen stays", async () => {
    const server = await withOneGone()
    await server.restartAfter(60)
    const back = new Client(server, 1)
    await back.ask(0)
    back.leave()
    await server.restartAfter(60)
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
    await server.restartAfter(31)
    await server.write()
    expect(await server.ids()).toEqual([])
  })

  test("is not forgotten when it returns between the checkpoint and the write", async () => {
    const server = await withOneGone()
    await server.restartAfter(91)
    await new Client(server, 1).ask(2)
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
  })

  test("and was forgotten may write under its id again", async () => {
    const server = await withOneGone()
    await server.restartAfter(91)
    await server.write()
    const again = new Client(server, 1)
    await again.push("b")
    expect(await server.ids()).toEqual([idOf(1)])
    await server.restartAfter(0)
    expect(server.remote.query(sql`select text from notes order by 1`)).toEqual(
      ["a", "b", "own"].map((text) => ({ text })),
    )
  })
})

test("a client that confirms outcomes before its mutations ran is kept, and they run (I21)", async () => {
  const server = new Server()
  const host = new SimHost(server.clock, new SeededRandom(1))
  const store = new RemoteStore(await server.disk.open("d"), host)
  const entries = [mutationCodec.encode({ uid: uidOf(1), name: "Note", args: "a", at: 1 })]
  new ClientList(store).journal(idOf(1)).write({ from: lsn(0), previousHash: 0n, entries })
  store.arrivals.append({ clientId: idOf(1), from: lsn(0), to: lsn(1), user: null, atMs: 1, forbidden: [] })
  store.contacts.append({ clientId: idOf(1), atMs: 1, seen: lsn(1000) })
  await store.streams.close()
  await server.start()
  expect(await server.ids()).toEqual([idOf(1)])
  expect(server.remote.query(sql`select text from notes`)).toEqual([{ text: "a" }])
})

test("an id that writes again after it was forgotten is a new client, also after crashes (I13)", async () => {
  const server = await withOneGone()
  await server.restartAfter(91)
  await server.write()
  await new Client(server, 1).push("b")
  for (let crashes = 0; crashes < 3; crashes++) {
    server.disk.crash()
    await server.start()
    await server.write()
    expect(await server.ids()).toEqual([idOf(1)])
  }
  expect(server.remote.query(sql`select count(*) n from notes where text = 'b'`)).toEqual([{ n: 1 }])
})

test("a client that never wrote leaves no contact", async () => {
  const server = new Server()
  await server.start()
  await new Client(server, 1).ask(0)
  await server.write()
  expect(await server.atRest()).toEqual({ journals: 0, owners: [], contacts: 0, contactEntries: 0 })
})

test(`one write forgets at most ${FORGOTTEN_AT_ONCE_MAX} clients, the next ones the rest`, async () => {
  const server = new Server()
  await server.start()
  for (let n = 1; n <= FORGOTTEN_AT_ONCE_MAX + 3; n++) {
    const client = new Client(server, n)
    await client.push("x")
    await client.ask(1)
    client.leave()
  }
  await server.restartAfter(91)
  await server.write()
  expect(await server.ids()).toHaveLength(3)
  await server.write()
  expect(await server.ids()).toEqual([])
})

test("contacts are kept with a precision of a day, and old entries are dropped", async () => {
  const server = await withOneGone()
  expect(await server.atRest()).toMatchObject({ contacts: 1, contactEntries: 1 })
  const entries: number[] = []
  for (let quarter = 0; quarter < 24; quarter++) {
    server.clock.nowMs += DAY_MS / 4
    const client = new Client(server, 1)
    await client.ask(2)
    client.leave()
    entries.push((await server.atRest()).contactEntries)
  }
  // A new entry every fourth time; never more than two of one client.
  expect(entries.slice(0, 9)).toEqual([1, 1, 1, 2, 2, 2, 2, 1, 1])
  expect(Math.max(...entries)).toBe(2)
})
