import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { encodeMessage } from "../network/codec.ts"
import { Link } from "../network/link.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { ClientList } from "../remote/client-list.ts"
import { Remote } from "../remote/remote.ts"
import { RemoteStore } from "../remote/remote-store.ts"
import { sql } from "../sqlite/sql.ts"
import { serve } from "../testing/admit.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { helloOf } from "./hello.ts"
import { host, loadSqlite, mutator, titles, until, World } from "./small-world.ts"

// Laws and traps that no other test shows in one scene.

beforeAll(loadChecksum)

const uidOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`

/** A server's disk with what clients sent and the server has not run yet. */
async function received(sent: readonly { readonly clientId: string; readonly id: string; readonly at: number }[]) {
  const disk = new MemoryDisk()
  const store = new RemoteStore(await disk.open("d"), host)
  const clients = new ClientList(store)
  sent.forEach(({ clientId, id, at }, i) => {
    const journal = clients.journal(clientId)
    const from = journal.lsn()
    const entries = [mutationCodec.encode({ uid: uidOf(i), name: "Add", args: { id, title: id }, at })]
    journal.write({ from, previousHash: journal.hashAt(from) ?? 0n, entries })
    store.arrivals.append({ clientId, from, to: journal.lsn(), user: null, atMs: 1, forbidden: [] })
  })
  await store.streams.flush()
  disk.crash()
  return disk
}

async function recover(disk: MemoryDisk): Promise<Remote> {
  return Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host })
}

describe("what was received", () => {
  test("and not applied is found in the journals after a crash, and run once (T5)", async () => {
    const disk = await received([
      { clientId: "a", id: "1", at: 1 },
      { clientId: "a", id: "2", at: 2 },
    ])
    for (let i = 0; i < 2; i++) {
      expect(titles(await recover(disk))).toEqual(["1", "2"])
      disk.crash((unsynced) => unsynced)
    }
  })

  test("runs in the order of its arrival, whatever clients' clocks say (T6)", async () => {
    const disk = await received([
      { clientId: "a", id: "came first", at: 9000 },
      { clientId: "b", id: "came second", at: 10 },
      { clientId: "a", id: "came third", at: 5 },
    ])
    const remote = await recover(disk)
    const rows = remote.query(sql<{ id: string }>`select id from todos order by rowid`)
    expect(rows.map(({ id }) => id)).toEqual(["came first", "came second", "came third"])
  })
})

describe("what is pending", () => {
  test("stays in the timeline when it was acknowledged, until the base that has it is kept (T8)", async () => {
    const world = new World()
    const remote = await world.startServer()
    const { local, session, disk } = await world.client()
    await until(() => local.cursor === remote.lsn())
    session.stop()
    await local.run("Add", { id: "1", title: "one" }).durable
    const [near, far] = memoryPipe()
    const link = new Link(near, () => {})
    serve(far, host, remote)
    near.send(encodeMessage(helloOf(local)))
    await until(() => link.receivedCount > 0).catch(() => {})
    expect(await local.pushMutations(link)).toBe("more")
    await until(() => remote.lsn() > local.cursor)
    expect(local.pendingCount).toBe(1)
    disk.crash()
    const again = await open(disk)
    expect([again.pendingCount, titles(again)]).toEqual([1, ["one"]])
  })

  test("and throws on a newer base is skipped in the view, kept, and the server's to decide (T11)", async () => {
    const Rename = defineMutation("Rename", z.object({ id: z.string() }), (tx, { id }) => {
      if (tx.run(sql`update todos set title = 'renamed' where id = ${id}`).changes === 0) throw new Reject("gone")
    })
    const Put = defineMutation("Put", z.object({ id: z.string() }), (tx, { id }) => {
      tx.run(sql`insert into todos values (${id}, 'new')`)
    })
    const Clear = defineMutation("Clear", z.object({}), (tx) => {
      tx.run(sql`delete from todos`)
    })
    const app = defineMutator({
      migrations: [sql`create table todos (id text primary key, title text) strict`],
      mutations: [Rename, Put, Clear],
    })
    const world = new World(app)
    const remote = await world.startServer()
    const { local, session } = await world.client()
    await local.run("Put", { id: "1" }).remote
    session.setOnline(false)
    await remote.mutate("Clear", {}, null)
    const { remote: outcome } = local.run("Rename", { id: "1" })
    expect(titles(local)).toEqual(["renamed"])
    // Only pulls, so that what is pending has not been sent when the new base is here.
    const batch = await pulled(local, remote)
    expect([batch, titles(local), local.pendingCount]).toEqual([remote.lsn(), [], 1])
    session.setOnline(true)
    expect(await outcome).toMatchObject({ type: "rejected", code: "gone" })
    expect(local.pendingCount).toBe(0)
    session.stop()
  })

  test("is never larger than a message: what is, is refused before it is kept (T24)", async () => {
    const disk = new MemoryDisk()
    const local = await open(disk)
    expect(() => local.run("Add", { id: "1", title: "x".repeat(600_000) })).toThrow(
      expect.objectContaining({ code: "MUTATION_TOO_LARGE" }),
    )
    expect([local.pendingCount, titles(local)]).toEqual([0, []])
    disk.crash((unsynced) => unsynced)
    expect((await open(disk)).pendingCount).toBe(0)
  })

  test("gets through while others write without a pause, and views advance (I20)", async () => {
    const world = new World()
    const remote = await world.startServer()
    const { local, session } = await world.client()
    let isWriting = true
    let written = 0
    const writing = (async () => {
      while (isWriting) await remote.mutate("Add", { id: `w${written++}`, title: "of others" }, null)
    })()
    const cursors = new Set<number>()
    for (let i = 0; i < 5; i++) {
      expect(await local.run("Add", { id: `m${i}`, title: "mine" }).remote).toMatchObject({ type: "applied" })
      cursors.add(local.cursor)
    }
    expect(cursors.size).toBe(5)
    isWriting = false
    await writing
    expect(written).toBeGreaterThan(5)
    session.stop()
  })
})

test("a client's base is what the server computed, though its own code computes otherwise (I15)", async () => {
  const Say = defineMutation("Say", z.object({}), (tx) => {
    tx.run(sql`insert into todos values (${tx.id()}, ${`by the ${tx.side}`})`)
  })
  const app = defineMutator({
    migrations: [sql`create table todos (id text primary key, title text) strict`],
    mutations: [Say],
  })
  const world = new World(app)
  const remote = await world.startServer()
  const { local, session } = await world.client()
  const { remote: outcome } = local.run("Say", {})
  expect(titles(local)).toEqual(["by the local"])
  await outcome
  expect(titles(local)).toEqual(["by the remote"])
  expect(local.base.checksum).toBe(remote.checksum)
  session.stop()
})

test("what only the database had is gone after a crash: the journal decides (T9)", async () => {
  const disk = new MemoryDisk(() => (isSlow ? new Promise(() => {}) : Promise.resolve()))
  let isSlow = false
  const remote = await recover(disk)
  await remote.mutate("Add", { id: "1", title: "kept" }, null)
  const { checksum } = remote
  isSlow = true
  void remote.mutate("Add", { id: "2", title: "in the database only" }, null).catch(() => {})
  await until(() => titles(remote).length === 2)
  expect(remote.checksum).toBe(checksum) // it was not shown to any client
  disk.crash()
  isSlow = false
  const again = await recover(disk)
  expect([titles(again), again.checksum]).toEqual([["kept"], checksum])
})

test("a reply that comes late is for its own connection, and for none after it (T7)", async () => {
  const [near, far] = memoryPipe()
  const old = new Link(near, () => {})
  const asked = old.syncMutations({ type: "sync-mutations", batch: emptyBatch, confirmed: LSN_ZERO })
  old.close("gone")
  await expect(asked).rejects.toMatchObject({ code: "SERVER_CLOSING" })
  far.send(encodeMessage({ type: "cursor", lsn: lsn(7) }))
  const [next] = memoryPipe()
  const link = new Link(next, () => {})
  let isAnswered = false
  void link
    .syncMutations({ type: "sync-mutations", batch: emptyBatch, confirmed: LSN_ZERO })
    .finally(() => {
      isAnswered = true
    })
    .catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(isAnswered).toBe(false)
})

const emptyBatch = { from: LSN_ZERO, previousHash: 0n, entries: [] }

async function open(disk: MemoryDisk): Promise<Local> {
  return new Local({ opened: await disk.open("d"), module: await loadSqlite(), mutator, host, user: null })
}

/** The cursor after one page batch, without anything sent. */
async function pulled(local: Local, remote: Remote): Promise<number> {
  const [near, far] = memoryPipe()
  const link = new Link(near, () => {})
  serve(far, host, remote)
  near.send(encodeMessage(helloOf(local)))
  await local.rebase(link, remote.epoch)
  link.close("done")
  return local.cursor
}
