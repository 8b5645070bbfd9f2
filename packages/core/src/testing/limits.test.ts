import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { decodeMessage, encodeMessage } from "../network/codec.ts"
import { memoryPipe } from "../network/memory-network.ts"
import type { Message, MutationsReply } from "../network/message.ts"
import { CLIENT_ENTRIES_MAX, UNSEEN_REJECTIONS_MAX } from "../remote/batch-merger.ts"
import type { Remote } from "../remote/remote.ts"
import { OVER_SHARE } from "../remote/size-watch.ts"
import { sql } from "../sqlite/sql.ts"
import { serve } from "../testing/admit.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { atTheEndOfTheStack } from "./end-of-stack.ts"
import { helloOf } from "./hello.ts"
import { host, titles, mutator as todos, until, World } from "./small-world.ts"

const Fill = defineMutation("Fill", z.object({ id: z.number(), pages: z.number() }), (tx, { id, pages }) => {
  tx.run(sql`insert or replace into blobs values (${id}, zeroblob(${pages * 4080}))`)
})
const Free = defineMutation("Free", z.object({ id: z.number() }), (tx, { id }) => {
  tx.run(sql`delete from blobs where id = ${id}`)
})
const Refuse = defineMutation("Refuse", z.object({ n: z.number() }), (tx, { n }) => {
  if (tx.side === "remote") throw new Reject("no", { n })
})
const Like = defineMutation("Like", z.object({ pattern: z.string() }), (tx, { pattern }) => {
  if (tx.side === "remote") tx.all(sql`select ${"a".repeat(60_000)} like ${pattern}`)
})
const Deep = defineMutation("Deep", z.object({ by: z.enum(["tx", "sql"]) }), (tx, { by }) => {
  if (tx.side === "local") return
  const dig = (): number => 1 + dig()
  if (by === "tx") dig()
  atTheEndOfTheStack(() => tx.all(sql`select ${"a".repeat(60_000)} like ${"%a".repeat(400)}`))
})
const app = defineMutator({
  migrations: [sql`create table blobs (id integer primary key, bytes blob) strict`],
  mutations: [Fill, Free, Refuse, Like, Deep],
})
const count = sql<{ n: number }>`select count(*) n from blobs`
const PAGES = 64
let world: World
const rows = (remote: Remote) => remote.query(count)[0].n
const pagesOf = (remote: Remote) => remote.pages.length

/** A connection that follows no rule: it sends what it is given. */
async function raw(
  remote: Remote,
  secret = crypto.getRandomValues(new Uint8Array(32)),
  mayWrite = (_: string) => true,
) {
  const [near, far] = memoryPipe()
  const received: Message[] = []
  near.listen({ frame: (frame) => received.push(decodeMessage(frame)), closed: () => {} })
  const hello = helloOf({ docId: "d", secret })
  serve(far, host, remote, { mayWrite })
  near.send(encodeMessage(hello))
  await until(() => received.length > 0)
  const push = async (entries: Uint8Array[], from = lsn(0), previousHash = 0n): Promise<MutationsReply> => {
    const at = received.length
    near.send(encodeMessage({ type: "sync-mutations", batch: { from, previousHash, entries }, confirmed: lsn(0) }))
    await until(() => received.length > at)
    return received[at] as MutationsReply // the answer to a push
  }
  return { push, received }
}

let made = 0
function entry(name: string, args: unknown): Uint8Array {
  const uid = `00000000-0000-7000-8000-${String(made++).padStart(12, "0")}`
  return mutationCodec.encode({ uid, name, args, at: 0 })
}

beforeAll(() => loadChecksum())

afterEach(async () => {
  await world.stopServer()
})

describe("a full document (V1, T36)", () => {
  test("refuses the mutation that would pass the limit, at its author, and goes on", async () => {
    const near: { pagesUsed: number; pagesMax: number }[] = []
    world = new World(app, { pagesMax: PAGES, onNearLimit: (size) => near.push(size) })
    const remote = await world.startServer()
    const { local } = await world.client()
    const outcomes = []
    for (let id = 1; id <= 20; id++) outcomes.push(await local.run("Fill", { id, pages: 5 }).remote)
    const full = outcomes.filter((outcome) => outcome.type === "rejected")
    expect(full.length).toBeGreaterThan(5)
    expect(new Set(full.map((outcome) => (outcome.type === "rejected" ? outcome.code : "")))).toEqual(
      new Set(["DOC_TOO_LARGE"]),
    )
    expect([pagesOf(remote) <= PAGES, remote.failure]).toEqual([true, null])
    expect(near).toEqual([{ pagesMax: PAGES, pagesUsed: expect.any(Number) }])
    // What makes it smaller is accepted, and then there is room again.
    expect(await local.run("Free", { id: 1 }).remote).toMatchObject({ type: "applied" })
    expect(await local.run("Fill", { id: 1, pages: 5 }).remote).toMatchObject({ type: "applied" })
    // One alone that is larger than the document may be, in a group with one that fits.
    const both = [local.run("Fill", { id: 50, pages: 500 }).remote, local.run("Free", { id: 2 }).remote]
    expect(await Promise.all(both)).toMatchObject([{ code: "DOC_TOO_LARGE" }, { type: "applied" }])
    const before = rows(remote)
    await world.stopServer()
    expect(rows(await world.startServer())).toBe(before)
  })

  test("is not filled past its limit by rejections either: what does not fit is not accepted", async () => {
    world = new World(app, { pagesMax: PAGES })
    const remote = await world.startServer()
    const { local } = await world.client()
    for (let id = 1; id <= 15; id++) await local.run("Fill", { id, pages: 5 }).remote
    const replies = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const { push } = await raw(remote)
      const reply = await push(Array.from({ length: 50 }, (_, n) => entry("Refuse", { n })))
      replies.add(reply.type)
      if (reply.type === "refused") expect(reply.ranges).toMatchObject([{ code: "DOC_TOO_LARGE" }])
    }
    expect(replies).toEqual(new Set(["cursor", "refused"]))
    // The last batch that was taken may have gone over the mark.
    expect(pagesOf(remote)).toBeLessThan(PAGES * (1 + OVER_SHARE) + 8)
    await world.stopServer()
    expect((await world.startServer()).failure).toBe(null)
  })
})

describe("a client that may only read (V3, T38, S21)", () => {
  test("leaves nothing in the document or a journal, and its author gets a rejection", async () => {
    world = new World()
    const asked: string[] = []
    world.mayWrite = (name) => {
      asked.push(name)
      return name !== "Add"
    }
    const remote = await world.startServer()
    const { local } = await world.client()
    const [before, pages] = [remote.lsn(), pagesOf(remote)]
    const uids = Array.from({ length: 20 }, (_, i) => local.run("Add", { id: String(i), title: "x" }))
    for (const { remote: outcome } of uids) {
      expect(await outcome).toEqual({ type: "rejected", code: "MUTATION_FORBIDDEN", data: null })
    }
    expect([remote.lsn(), pagesOf(remote), local.pendingCount, titles(local)]).toEqual([before, pages, 0, []])
    expect(local.rejections.map(({ uid }) => uid)).toEqual(uids.map(({ uid }) => uid))
    world.remote = null
    world.serverDisk.crash((unsynced) => unsynced)
    const { records } = await world.serverDisk.open("d")
    expect(records.filter(({ stream }) => /client|arrivals|outcomes|bindings/.test(stream))).toEqual([])
    expect(asked.every((name) => name === "Add")).toBe(true)
  })

  test("what comes between refused ones is accepted in order, and each is decided once", async () => {
    world = new World()
    world.mayWrite = (name) => name !== "Toggle"
    const remote = await world.startServer()
    const { local, session } = await world.client()
    await until(() => local.cursor === remote.lsn())
    session.setOnline(false)
    const calls = Array.from({ length: 12 }, (_, i) =>
      i % 3 === 1 ? local.run("Toggle", { id: "0" }) : local.run("Add", { id: String(i), title: `n${i}` }),
    )
    session.setOnline(true)
    const outcomes = await Promise.all(calls.map(({ remote: outcome }) => outcome))
    expect(outcomes.map((outcome, i) => outcome.type === (i % 3 === 1 ? "rejected" : "applied"))).toEqual(
      Array(12).fill(true),
    )
    expect(titles(remote).length).toBe(8)
    await until(() => local.pendingCount === 0)
    expect(titles(local)).toEqual(titles(remote))
  })

  test("a batch asks once per known name; unknown names and broken entries are refused unasked", async () => {
    world = new World()
    const asked: string[] = []
    const remote = await world.startServer()
    const { push } = await raw(remote, undefined, (name) => {
      asked.push(name)
      return name === "Add"
    })
    const entries = [
      ...Array.from({ length: 500 }, (_, i) => entry(`Unknown${i}`, {})),
      ...Array.from({ length: 300 }, () => entry("Toggle", { id: "1" })),
      ...Array.from({ length: 100 }, () => new Uint8Array(1)),
      entry("Add", { id: "1", title: "x" }),
    ]
    expect(await push(entries)).toEqual({
      type: "refused",
      common: 0,
      ranges: [
        { from: 0, to: 500, code: "MUTATION_UNKNOWN" },
        { from: 500, to: 800, code: "MUTATION_FORBIDDEN" },
        { from: 800, to: 900, code: "BYTES_MALFORMED" },
      ],
    })
    expect(asked).toEqual(["Toggle", "Add"])
    expect(titles(remote)).toEqual([])
  })

  test("a refusal counts when it is durable: asked again after a full disk the server may allow it", async () => {
    world = new World()
    let isAllowed = false
    const remote = await world.startServer()
    const { local, session, disk } = await world.client()
    await until(() => local.cursor === remote.lsn())
    session.setOnline(false)
    const call = local.run("Add", { id: "1", title: "x" })
    await call.durable
    world.mayWrite = () => {
      disk.failNext(new LfError("LOG_FULL", "the disk is full"))
      return isAllowed
    }
    session.setOnline(true)
    await until(() => local.failure !== null)
    const reported: unknown[] = []
    void call.remote.then((outcome) => reported.push(outcome))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([reported, local.rejections, local.failure?.code]).toEqual([[], [], "LOG_FULL"])
    session.stop()
    await local.close()
    isAllowed = true
    world.mayWrite = () => isAllowed
    const again = await world.client(disk)
    expect(again.local.pendingCount).toBe(1)
    await until(() => again.local.pendingCount === 0)
    expect([titles(remote), again.local.rejections]).toEqual([["x"], []])
  })

  test("a client id with a refused mutation takes nothing more, even if it is allowed by now", async () => {
    world = new World()
    let isAllowed = false
    const remote = await world.startServer()
    const secret = crypto.getRandomValues(new Uint8Array(32))
    const { push } = await raw(remote, secret, () => isAllowed)
    const batch = [entry("Add", { id: "1", title: "late" })]
    expect(await push(batch)).toMatchObject({ type: "refused", common: 0 })
    isAllowed = true
    // The same frame again, late or on another connection: its author has reported it as rejected.
    expect(await push(batch)).toEqual({ type: "fork", common: 0 })
    const { push: pushAgain } = await raw(remote, secret, () => true)
    expect(await pushAgain(batch)).toEqual({ type: "fork", common: 0 })
    expect(titles(remote)).toEqual([])
  })
})

describe("one client's share", () => {
  test("of what waits for its effect is bounded: the rest is taken when there is room (I17)", async () => {
    let release = () => {}
    const isHeld = new Promise<void>((resolve) => {
      release = resolve
    })
    world = new World(todos, { onApplied: () => isHeld })
    const remote = await world.startServer()
    const { push } = await raw(remote)
    let [at, hash] = [lsn(0), 0n]
    const sent: Uint8Array[] = []
    let reply: MutationsReply = { type: "cursor", lsn: at }
    const batch = () => Array.from({ length: 1_000 }, () => entry("Toggle", { id: "1" }))
    for (let i = 0; i <= CLIENT_ENTRIES_MAX / 1_000; i++) {
      const entries = batch()
      reply = await push(entries, at, hash)
      if (reply.type !== "cursor" || reply.lsn < at + 1_000) break
      for (const bytes of entries) hash = chainHash(hash, bytes)
      sent.push(...entries)
      at = reply.lsn
    }
    expect(reply).toEqual({ type: "cursor", lsn: CLIENT_ENTRIES_MAX })
    release()
    await until(() => remote.failure === null)
    const more = batch()
    let last: MutationsReply = reply
    for (let i = 0; i < 1_000 && (last.type !== "cursor" || last.lsn === CLIENT_ENTRIES_MAX); i++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      last = await push(more, at, hash)
    }
    expect(last).toMatchObject({ type: "cursor" })
    expect(last.type === "cursor" && last.lsn > CLIENT_ENTRIES_MAX).toBe(true)
  })

  test("of unseen rejections is bounded; an honest client gets all of them with their data (V6)", async () => {
    world = new World(app)
    const remote = await world.startServer()
    const { push } = await raw(remote)
    const [first, second] = [0, 1].map(() => Array.from({ length: 1_000 }, (_, n) => entry("Refuse", { n })))
    let hash = 0n
    expect(await push(first)).toEqual({ type: "cursor", lsn: 1_000 })
    for (const bytes of first) hash = chainHash(hash, bytes)
    expect(await push(second, lsn(1_000), hash)).toEqual({ type: "cursor", lsn: UNSEEN_REJECTIONS_MAX })
    for (const bytes of second) hash = chainHash(hash, bytes)
    expect(await push(first, lsn(2_000), hash)).toEqual({ type: "cursor", lsn: UNSEEN_REJECTIONS_MAX })

    const { local, session } = await world.client()
    session.setOnline(false)
    const calls = Array.from({ length: 3 * UNSEEN_REJECTIONS_MAX }, (_, n) => local.run("Refuse", { n }))
    session.setOnline(true)
    const outcomes = await Promise.all(calls.map(({ remote: outcome }) => outcome))
    expect(outcomes).toEqual(calls.map((_, n) => ({ type: "rejected", code: "no", data: { n } })))
    expect(local.rejections.map(({ data }) => data)).toEqual(calls.map((_, n) => ({ n })))
  }, 60_000)
})

describe("a mutation that fails inside SQLite (V9, T43)", () => {
  const deep = (by: "tx" | "sql") => ({ name: "Deep", args: { by } })
  test.each([
    ["a pattern past the limit", 40, { name: "Like", args: { pattern: "%a".repeat(6_000) } }, "SQL_ERROR"],
    ["JavaScript that needs more than the stack", 5, deep("tx"), "MUTATION_THREW"],
    ["SQL at the end of the stack", 5, deep("sql"), "SQL_CRASHED"],
  ])(
    "%s is rejected, %i times, and the document goes on",
    async (_what, times, { name, args }, code) => {
      world = new World(app)
      const remote = await world.startServer()
      const { local } = await world.client()
      for (let i = 0; i < times; i++) {
        expect(await local.run(name, args).remote).toMatchObject({ type: "rejected", code })
      }
      expect(await local.run("Fill", { id: 1, pages: 1 }).remote).toMatchObject({ type: "applied" })
      expect([rows(remote), remote.failure]).toEqual([1, null])
      expect(await remote.read(count)).toEqual([{ n: 1 }])
    },
    60_000,
  )
})
