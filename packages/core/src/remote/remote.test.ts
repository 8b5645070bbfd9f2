import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import type { Chunk, Message, Pages } from "../network/message.ts"
import type { Pipe, PipeListener } from "../network/network.ts"
import { sql } from "../sqlite/sql.ts"
import { CHUNK_PAGES } from "../storage/page-chunk.ts"
import { serve } from "../testing/admit.ts"
import { helloOf } from "../testing/hello.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { Remote } from "./remote.ts"
import type { RemoteOptions } from "./remote-options.ts"

beforeAll(loadChecksum)

const Note = defineMutation("Note", z.object({ text: z.string() }), (tx, { text }) => {
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({ migrations: [sql`create table notes (text text not null) strict`], mutations: [Note] })
const notes = sql<{ text: string }>`select text from notes order by text`
const secretOf = (n: number) => new Uint8Array(32).fill(n)
const entryOf = (n: number) =>
  mutationCodec.encode({ uid: `00000000-0000-4000-8000-00000000000${n}`, name: "Note", args: { text: `${n}` }, at: 1 })

async function recover(options: Partial<RemoteOptions> = {}, disk = new MemoryDisk()) {
  const host = new SimHost(new SimClock(), new SeededRandom(1))
  const remote = await Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host, ...options })
  return { remote, disk, host }
}

/** Waits until pending work without timers is done. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

/** Connects a client with this hello and records the messages it receives. */
async function connect(
  remote: Remote,
  { secret = secretOf(1), user = null as string | null, epoch = "", cursor = 0 } = {},
) {
  const received: Message[] = []
  const closed: string[] = []
  let listener: PipeListener = { frame: () => {}, closed: () => {} }
  const pipe: Pipe = {
    send: (frame) => void received.push(decodeMessage(frame)),
    close: (reason) => void closed.push(reason),
    listen: (it) => {
      listener = it
    },
  }
  serve(pipe, new SimHost(new SimClock(), new SeededRandom(1)), remote, { user })
  listener.frame(encodeMessage(helloOf({ secret, epoch, cursor: lsn(cursor) })))
  await settle()
  const send = async (message: Message) => {
    listener.frame(encodeMessage(message))
    await settle()
  }
  return {
    received,
    closed,
    send,
    leave: () => listener.closed("gone"),
    ask: (from: number) =>
      send({ type: "sync-storage", cursor: lsn(from), outcomesSeen: lsn(0), resumeLsn: lsn(0), resumePages: 0 }),
    push: (...entries: Uint8Array[]) =>
      send({ type: "sync-mutations", batch: { from: lsn(0), previousHash: 0n, entries }, confirmed: lsn(0) }),
    pages: () => received.filter((message): message is Pages => message.type === "pages"),
    chunks: () => received.filter((message): message is Chunk => message.type === "chunk"),
    kinds: () => received.map(({ type }) => type),
  }
}

describe("a cursor (T2)", () => {
  test("of our epoch that is up to date waits for changes, and then gets those alone", async () => {
    const { remote } = await recover()
    const client = await connect(remote, { epoch: remote.epoch, cursor: remote.lsn() })
    await client.ask(remote.lsn())
    expect(client.pages()).toEqual([])
    const before = remote.lsn()
    await remote.mutate("Note", { text: "new" }, null)
    await settle()
    expect(client.pages()).toMatchObject([{ from: before, to: remote.lsn(), changeset: { isWhole: false } }])
  })

  test("of another epoch, or ahead of ours, gets the whole document at once", async () => {
    const { remote } = await recover()
    for (const [epoch, cursor] of [
      ["another", remote.lsn()],
      [remote.epoch, remote.lsn() + 1],
    ] as const) {
      const client = await connect(remote, { epoch, cursor })
      await client.ask(cursor)
      expect(client.chunks()).toMatchObject([{ from: 0, to: remote.lsn(), pageNo: 1, isLast: true }])
    }
  })

  test("that a client discarded gets the whole document again", async () => {
    const { remote } = await recover()
    const client = await connect(remote, { epoch: remote.epoch, cursor: remote.lsn() })
    await client.ask(remote.lsn())
    await client.ask(0)
    expect(client.chunks()).toMatchObject([{ from: 0, isLast: true }])
    await client.ask(remote.lsn())
    expect([client.chunks().length, client.pages().length]).toEqual([1, 0])
  })
})

describe("an id that was claimed by a user (S4)", () => {
  test("ends other users' connections with its secret, and no others", async () => {
    const { remote } = await recover()
    const anonymous = await connect(remote)
    const other = await connect(remote, { secret: secretOf(2) })
    const [ann, annToo] = [await connect(remote, { user: "ann" }), await connect(remote, { user: "ann" })]
    expect(remote.connectedCount).toBe(4)
    await ann.push(entryOf(1))
    expect(anonymous.received.at(-1)).toMatchObject({ type: "refuse", code: "CLIENT_PROOF" })
    expect([anonymous.closed, other.closed, ann.closed, annToo.closed]).toEqual([["CLIENT_PROOF"], [], [], []])
    expect([ann.kinds(), remote.connectedCount]).toEqual([["welcome", "cursor"], 3])
    expect((await connect(remote, { user: "bo" })).closed).toEqual(["CLIENT_PROOF"])
  })

  test("is closed to an anonymous batch that was sent before and is handled after", async () => {
    const { remote } = await recover()
    const [anonymous, ann] = [await connect(remote), await connect(remote, { user: "ann" })]
    await Promise.all([ann.push(entryOf(1)), anonymous.push(entryOf(2))])
    expect(await remote.read(notes)).toEqual([{ text: "1" }])
    expect(anonymous.kinds()).not.toContain("fork")
  })
})

test("a client that has left is not counted and is sent nothing", async () => {
  const { remote } = await recover()
  const client = await connect(remote)
  client.leave()
  expect(remote.connectedCount).toBe(0)
  await client.ask(0)
  expect(client.kinds()).toEqual(["welcome"])
})

test("the welcome has the end of the client's timeline here, and its user", async () => {
  const { remote } = await recover()
  const first = await connect(remote, { user: "ann" })
  expect(first.received).toMatchObject([
    { clientLsn: 0, clientHash: 0n, user: "ann", lsn: remote.lsn(), epoch: remote.epoch },
  ])
  await first.push(entryOf(1))
  const [welcome] = (await connect(remote, { user: "ann" })).received
  expect(welcome).toMatchObject({ clientLsn: 1, schema: mutator.migrations.map(({ hash }) => hash) })
  expect(welcome.type === "welcome" && welcome.clientHash !== 0n).toBe(true)
})

describe("closing", () => {
  test("refuses clients with SERVER_CLOSING and later calls; keeps what came before", async () => {
    const { remote, disk } = await recover()
    const client = await connect(remote)
    const last = remote.mutate("Note", { text: "last" }, null)
    await remote.close()
    expect(await last).toEqual({ type: "applied", lsn: remote.lsn() })
    expect(client.received.at(-1)).toMatchObject({ type: "refuse", code: "SERVER_CLOSING" })
    expect([client.closed, remote.connectedCount, remote.failure?.code]).toEqual([["SERVER_CLOSING"], 0, "DOC_STOPPED"])
    const stopped = { code: "DOC_STOPPED" }
    await expect(remote.read(notes)).rejects.toMatchObject(stopped)
    await expect(remote.mutate("Note", { text: "late" }, null)).rejects.toMatchObject(stopped)
    expect(() => remote.query(notes)).toThrow(expect.objectContaining(stopped))
    const again = await recover({}, disk)
    expect(again.remote.query(notes)).toEqual([{ text: "last" }])
  })

  test("closes the log also when the database cannot be closed (T44)", async () => {
    const disk = new MemoryDisk()
    const { remote } = await recover({}, disk)
    disk.failNext(new Error("EIO"))
    await expect(remote.close()).rejects.toThrow()
    await expect(disk.open("d")).resolves.toMatchObject({ records: expect.any(Array) })
  })
})

describe("a disk that fails (T19)", () => {
  test("stops the document once: refuses clients, rejects calls, calls onStopped", async () => {
    const stopped: unknown[] = []
    const { remote, disk } = await recover({ onStopped: (error) => stopped.push(error.code) })
    const client = await connect(remote)
    disk.failNext(new Error("EIO"))
    const [write, read] = [remote.mutate("Note", { text: "a" }, null), remote.read(notes)]
    await expect(write).rejects.toMatchObject({ code: "LOG_FAILED" })
    await expect(read).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(client.received.at(-1)).toMatchObject({ type: "refuse", code: "SERVER_CLOSING" })
    expect([client.closed, stopped, remote.failure?.code]).toEqual([["SERVER_CLOSING"], ["LOG_FAILED"], "LOG_FAILED"])
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    await remote.close()
    expect([stopped, remote.failure?.code]).toEqual([["LOG_FAILED"], "LOG_FAILED"])
  })

  test("during a requested checkpoint stops the document too", async () => {
    const stopped: unknown[] = []
    const { remote, disk } = await recover({ onStopped: (error) => stopped.push(error.code) })
    disk.failNext(new Error("EIO"))
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(stopped).toEqual(["LOG_FAILED"])
  })
})

describe("slices", () => {
  test("of long reads yield to other work, and all are answered (H8)", async () => {
    let yields = 0
    const { remote, host } = await recover()
    host.lookMs = 100
    host.yieldToLoop = async () => void yields++
    const answers = await Promise.all([1, 2, 3].map(() => remote.read(notes)))
    expect(answers).toEqual([[], [], []])
    expect(yields).toBe(2)
    await remote.close()
  })

  test("of long groups yield between two groups; quick ones do not (T39)", async () => {
    for (const [lookMs, expected] of [
      [20, 3],
      [0, 0],
    ]) {
      let yields = 0
      const { remote, host } = await recover()
      host.lookMs = lookMs
      host.yieldToLoop = async () => void yields++
      await Promise.all([1, 2, 3].map((n) => remote.mutate("Note", { text: `${n}` }, null)))
      expect(yields).toBe(expected)
      expect(remote.query(notes)).toHaveLength(3)
    }
  })
})

test("a large document is sent in parts, each on request", async () => {
  const { remote } = await recover()
  for (let i = 0; i < 3; i++) await remote.mutate("Note", { text: "x".repeat(250_000) }, null)
  const client = await connect(remote)
  await client.ask(0)
  expect(client.chunks().map(({ isLast }) => isLast)).toEqual([false])
  await client.send({ type: "next-part" })
  expect(client.chunks().map(({ pageNo, count }) => [pageNo, count])).toEqual([
    [1, CHUNK_PAGES],
    [CHUNK_PAGES + 1, CHUNK_PAGES],
  ])
})

describe("a document that cannot be recovered (T44)", () => {
  test("frees its wasm instances, whether it failed before or after it could run", async () => {
    const closed: string[] = []
    const counting = async () => {
      const module = await loadSqlite()
      const close = module._sqlite3_close_v2.bind(module)
      return Object.assign(module, {
        _sqlite3_close_v2: (db: number) => {
          closed.push("closed")
          return close(db)
        },
      })
    }
    const failing = defineMutator({ migrations: [sql`this is no statement`], mutations: [] })
    await expect(recover({ mutator: failing, loadSqlite: counting })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
    })
    expect(closed).toHaveLength(1)
    const disk = new MemoryDisk()
    const opened = await disk.open("d")
    disk.failNext(new Error("EIO"))
    const host = new SimHost(new SimClock(), new SeededRandom(1))
    const again = Remote.recover({ opened, loadSqlite: counting, mutator, host })
    await expect(again).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(closed).toHaveLength(2)
  })
})

test("a checkpoint drops from the journals only what every client has (I17)", async () => {
  const Refuse = defineMutation("Refuse", z.object({}), () => {
    throw new Reject("no")
  })
  const refusing = defineMutator({ migrations: mutator.migrations.map((one) => one.sql), mutations: [Note, Refuse] })
  const { remote } = await recover({ mutator: refusing })
  const client = await connect(remote)
  await client.push(
    mutationCodec.encode({ uid: "00000000-0000-4000-8000-000000000009", name: "Refuse", args: {}, at: 1 }),
  )
  await remote.checkpoint()
  await client.ask(0)
  expect(client.chunks().flatMap(({ outcomes }) => outcomes)).toMatchObject([{ code: "no" }])
  await client.send({
    type: "sync-storage",
    cursor: remote.lsn(),
    outcomesSeen: lsn(1),
    resumeLsn: lsn(0),
    resumePages: 0,
  })
  await remote.checkpoint()
  await client.ask(0)
  expect(client.chunks().at(-1)?.outcomes).toEqual([])
})

test("a first sync that was cut goes on with what changed; a later process does too, and another epoch begins anew", async () => {
  const { remote, disk } = await recover({ chunkPages: 1 })
  for (let i = 0; i < 4; i++) await remote.mutate("Note", { text: `${i}`.repeat(5_000) }, null)
  const at = remote.lsn()
  const pageCount = remote.pages.length
  const resume = { type: "sync-storage", cursor: lsn(0), outcomesSeen: lsn(0), resumeLsn: at } as const
  const chunksOf = async (from: Remote, resumePages: number) => {
    const client = await connect(from)
    await client.send({ ...resume, resumePages })
    while (client.chunks().at(-1)?.isLast === false) await client.send({ type: "next-part" })
    return client.chunks()
  }
  expect(await chunksOf(remote, pageCount)).toMatchObject([{ from: at, count: 0, isLast: true }])
  await remote.mutate("Note", { text: "new" }, null)
  const changed = await chunksOf(remote, pageCount)
  expect([changed.length > 0, changed.length < pageCount, changed[0].pageNo, changed[0].from]).toEqual([
    true,
    true,
    1,
    at,
  ])
  await remote.close()
  const { remote: again } = await recover({ chunkPages: 1 }, disk)
  expect((await chunksOf(again, pageCount)).map(({ pageNo, from }) => [pageNo, from])).toEqual(
    changed.map(({ pageNo, from }) => [pageNo, from]),
  )
  await again.close()
  const other = await recover({ chunkPages: 1 })
  expect((await chunksOf(other.remote, pageCount))[0].from).toBe(0)
})
