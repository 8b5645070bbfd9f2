import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { type Message, PART_BYTES_MAX, type Pages } from "../network/message.ts"
import type { Pipe, PipeListener } from "../network/network.ts"
import { sql } from "../sqlite/sql.ts"
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

/** Lets everything that can happen at once happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

/** A client that was let in, as it says it is, and what it hears. */
async function visit(
  remote: Remote,
  { secret = secretOf(1), user = null as string | null, epoch = "", cursor = 0 } = {},
) {
  const heard: Message[] = []
  const closed: string[] = []
  let inside: PipeListener = { frame: () => {}, closed: () => {} }
  const pipe: Pipe = {
    send: (frame) => void heard.push(decodeMessage(frame)),
    close: (reason) => void closed.push(reason),
    listen: (listener) => {
      inside = listener
    },
  }
  serve(pipe, new SimHost(new SimClock(), new SeededRandom(1)), remote, { user })
  inside.frame(encodeMessage(helloOf({ secret, epoch, cursor: lsn(cursor) })))
  await settle()
  const send = async (message: Message) => {
    inside.frame(encodeMessage(message))
    await settle()
  }
  return {
    heard,
    closed,
    tell: send,
    leave: () => inside.closed("gone"),
    ask: (from: number) => send({ type: "sync-storage", cursor: lsn(from), outcomesSeen: lsn(0) }),
    push: (...entries: Uint8Array[]) =>
      send({ type: "sync-mutations", batch: { from: lsn(0), previousHash: 0n, entries }, confirmed: lsn(0) }),
    pages: () => heard.filter((message): message is Pages => message.type === "pages"),
    kinds: () => heard.map(({ type }) => type),
  }
}

describe("T2 a cursor", () => {
  test("of our epoch that has everything waits for news, and then gets them alone", async () => {
    const { remote } = await recover()
    const client = await visit(remote, { epoch: remote.epoch, cursor: remote.lsn() })
    await client.ask(remote.lsn())
    expect(client.pages()).toEqual([])
    const before = remote.lsn()
    await remote.mutate("Note", { text: "new" }, null)
    await settle()
    expect(client.pages()).toMatchObject([{ from: before, to: remote.lsn(), changeset: { isWhole: false } }])
  })

  test("of another epoch, or ahead of us, means nothing: the client gets the whole document at once", async () => {
    const { remote } = await recover()
    for (const [epoch, cursor] of [
      ["another", remote.lsn()],
      [remote.epoch, remote.lsn() + 1],
    ] as const) {
      const client = await visit(remote, { epoch, cursor })
      await client.ask(cursor)
      expect(client.pages()).toMatchObject([{ from: 0, to: remote.lsn(), changeset: { isWhole: true } }])
    }
  })

  test("that a client gave up is no cursor: it gets the whole document again", async () => {
    const { remote } = await recover()
    const client = await visit(remote, { epoch: remote.epoch, cursor: remote.lsn() })
    await client.ask(remote.lsn())
    await client.ask(0)
    expect(client.pages()).toMatchObject([{ from: 0, changeset: { isWhole: true } }])
    await client.ask(remote.lsn())
    expect(client.pages()).toHaveLength(1)
  })
})

describe("S4 an id that was claimed by a user", () => {
  test("is taken from the others who came in with its secret, and from no other client", async () => {
    const { remote } = await recover()
    const nobody = await visit(remote)
    const other = await visit(remote, { secret: secretOf(2) })
    const [ann, annToo] = [await visit(remote, { user: "ann" }), await visit(remote, { user: "ann" })]
    expect(remote.connectedCount).toBe(4)
    await ann.push(entryOf(1))
    expect(nobody.heard.at(-1)).toMatchObject({ type: "refuse", code: "CLIENT_PROOF" })
    expect([nobody.closed, other.closed, ann.closed, annToo.closed]).toEqual([["CLIENT_PROOF"], [], [], []])
    expect([ann.kinds(), remote.connectedCount]).toEqual([["welcome", "cursor"], 3])
    expect((await visit(remote, { user: "bo" })).closed).toEqual(["CLIENT_PROOF"])
  })

  test("what another sent with its secret before, and is handled after it, is not taken", async () => {
    const { remote } = await recover()
    const [nobody, ann] = [await visit(remote), await visit(remote, { user: "ann" })]
    await Promise.all([ann.push(entryOf(1)), nobody.push(entryOf(2))])
    expect(await remote.read(notes)).toEqual([{ text: "1" }])
    expect(nobody.kinds()).not.toContain("fork")
  })
})

test("a client that has left is counted and told no more", async () => {
  const { remote } = await recover()
  const client = await visit(remote)
  client.leave()
  expect(remote.connectedCount).toBe(0)
  await client.ask(0)
  expect(client.kinds()).toEqual(["welcome"])
})

test("the welcome says how far the client's own timeline is here, and for whom the server takes it", async () => {
  const { remote } = await recover()
  const first = await visit(remote, { user: "ann" })
  expect(first.heard).toMatchObject([
    { clientLsn: 0, clientHash: 0n, user: "ann", lsn: remote.lsn(), epoch: remote.epoch },
  ])
  await first.push(entryOf(1))
  const [welcome] = (await visit(remote, { user: "ann" })).heard
  expect(welcome).toMatchObject({ clientLsn: 1, schema: mutator.migrations.map(({ hash }) => hash) })
  expect(welcome.type === "welcome" && welcome.clientHash !== 0n).toBe(true)
})

describe("closing", () => {
  test("refuses every client with SERVER_CLOSING, keeps what came before, and then refuses every call", async () => {
    const { remote, disk } = await recover()
    const client = await visit(remote)
    const last = remote.mutate("Note", { text: "last" }, null)
    await remote.close()
    expect(await last).toEqual({ type: "applied", lsn: remote.lsn() })
    expect(client.heard.at(-1)).toMatchObject({ type: "refuse", code: "SERVER_CLOSING" })
    expect([client.closed, remote.connectedCount, remote.failure?.code]).toEqual([["SERVER_CLOSING"], 0, "DOC_STOPPED"])
    const stopped = { code: "DOC_STOPPED" }
    await expect(remote.read(notes)).rejects.toMatchObject(stopped)
    await expect(remote.mutate("Note", { text: "late" }, null)).rejects.toMatchObject(stopped)
    expect(() => remote.query(notes)).toThrow(expect.objectContaining(stopped))
    const again = await recover({}, disk)
    expect(again.remote.query(notes)).toEqual([{ text: "last" }])
  })

  test("T44 gives the log back also when the database cannot be closed", async () => {
    const disk = new MemoryDisk()
    const { remote } = await recover({}, disk)
    disk.failNext(new Error("EIO"))
    await expect(remote.close()).rejects.toThrow()
    await expect(disk.open("d")).resolves.toMatchObject({ records: expect.any(Array) })
  })
})

describe("T19 a disk that fails", () => {
  test("stops the document once: clients are refused, callers get the reason, and its operator hears it", async () => {
    const stopped: unknown[] = []
    const { remote, disk } = await recover({ onStopped: (error) => stopped.push(error.code) })
    const client = await visit(remote)
    disk.failNext(new Error("EIO"))
    const [write, read] = [remote.mutate("Note", { text: "a" }, null), remote.read(notes)]
    await expect(write).rejects.toMatchObject({ code: "LOG_FAILED" })
    await expect(read).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(client.heard.at(-1)).toMatchObject({ type: "refuse", code: "SERVER_CLOSING" })
    expect([client.closed, stopped, remote.failure?.code]).toEqual([["SERVER_CLOSING"], ["LOG_FAILED"], "LOG_FAILED"])
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    await remote.close()
    expect([stopped, remote.failure?.code]).toEqual([["LOG_FAILED"], "LOG_FAILED"])
  })

  test("during a checkpoint that was asked for stops the document too", async () => {
    const stopped: unknown[] = []
    const { remote, disk } = await recover({ onStopped: (error) => stopped.push(error.code) })
    disk.failNext(new Error("EIO"))
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(stopped).toEqual(["LOG_FAILED"])
  })
})

describe("slices", () => {
  test("H8 reads that take long let others have their turn, and all are answered", async () => {
    let breaths = 0
    const { remote, host } = await recover()
    host.lookMs = 100
    host.yieldToLoop = async () => void breaths++
    const answers = await Promise.all([1, 2, 3].map(() => remote.read(notes)))
    expect(answers).toEqual([[], [], []])
    expect(breaths).toBe(2)
    await remote.close()
  })

  test("T39 groups that take long let others have their turn between two of them; quick ones do not", async () => {
    for (const [lookMs, expected] of [
      [20, 3],
      [0, 0],
    ]) {
      let breaths = 0
      const { remote, host } = await recover()
      host.lookMs = lookMs
      host.yieldToLoop = async () => void breaths++
      await Promise.all([1, 2, 3].map((n) => remote.mutate("Note", { text: `${n}` }, null)))
      expect(breaths).toBe(expected)
      expect(remote.query(notes)).toHaveLength(3)
    }
  })
})

test("a large document is sent in parts, the next when it is asked for", async () => {
  const { remote } = await recover()
  const text = Array.from(new SeededRandom(3).bytes(2 * PART_BYTES_MAX), (byte) => byte.toString(16)).join("")
  await remote.mutate("Note", { text: text.slice(0, 250_000) }, null)
  await remote.mutate("Note", { text: text.slice(250_000, 500_000) }, null)
  await remote.mutate("Note", { text: text.slice(500_000, 750_000) }, null)
  const client = await visit(remote)
  await client.ask(0)
  expect(client.pages().map(({ isLast }) => isLast)).toEqual([false])
})

describe("T44 a document that cannot be recovered", () => {
  test("gives its wasm instances back, whether it failed before or after it could run", async () => {
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

test("I17 what every client has is forgotten in the journals at the next checkpoint, what one lacks is not", async () => {
  const Refuse = defineMutation("Refuse", z.object({}), () => {
    throw new Reject("no")
  })
  const refusing = defineMutator({ migrations: mutator.migrations.map((one) => one.sql), mutations: [Note, Refuse] })
  const { remote } = await recover({ mutator: refusing })
  const client = await visit(remote)
  await client.push(
    mutationCodec.encode({ uid: "00000000-0000-4000-8000-000000000009", name: "Refuse", args: {}, at: 1 }),
  )
  await remote.checkpoint()
  await client.ask(0)
  expect(client.pages().flatMap(({ outcomes }) => outcomes)).toMatchObject([{ code: "no" }])
  await client.tell({ type: "sync-storage", cursor: remote.lsn(), outcomesSeen: lsn(1) })
  await remote.checkpoint()
  await client.ask(0)
  expect(client.pages().at(-1)?.outcomes).toEqual([])
})
