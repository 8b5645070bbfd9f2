import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Session, type SessionState } from "../local/session.ts"
import { decodeMessage } from "../network/codec.ts"
import type { Chunk } from "../network/message.ts"
import type { Network } from "../network/network.ts"
import { sql } from "../sqlite/sql.ts"
import { copyLog } from "./copy-log.ts"
import { renewEpoch } from "./renew-epoch.ts"
import { host, loadSqlite, titles, until, World } from "./small-world.ts"

beforeAll(loadChecksum)

const ROWS = 40

/** A server whose document has about as many pages as rows, one page in a chunk. */
async function startWorld(rows = ROWS) {
  const world = new World(undefined, { chunkPages: 1 })
  const remote = await world.startServer()
  for (let i = 0; i < rows; i++) await remote.mutate("Add", { id: `${100 + i}`, title: "x".repeat(3_000) }, null)
  return world
}

/** A new client whose connections are cut behind so many chunks each, and what it has received. */
async function startClient(world: World, cutAfter: readonly number[], between: (cut: number) => Promise<void>) {
  const chunks: Chunk[] = []
  const states: SessionState[] = []
  let connections = 0
  const network: Network = {
    async connect() {
      if (connections > 0) await between(connections)
      const pipe = await world.network.connect()
      const limit = cutAfter[connections++] ?? Number.POSITIVE_INFINITY
      let count = 0
      return {
        ...{ send: (frame) => pipe.send(frame), close: (reason) => pipe.close(reason) },
        listen: ({ frame, closed }) =>
          pipe.listen({
            closed,
            frame(bytes) {
              const message = decodeMessage(bytes)
              if (message.type === "chunk" && count++ >= limit) return pipe.close("cut")
              if (message.type === "chunk") chunks.push(message)
              frame(bytes)
            },
          }),
      }
    },
  }
  const local = new Local({
    ...{ opened: await new MemoryDisk().open("d"), module: await loadSqlite() },
    ...{ mutator: world.app, host, user: null },
  })
  const session: Session = new Session({ docId: "d", local, network, host, onChange: () => states.push(session.state) })
  const synced = () => until(() => local.cursor > 0 && local.cursor === world.remote?.lsn())
  /** From which page on each transfer was sent, and the part of the sync before that it built on. */
  const transfers = () =>
    chunks.filter(({ from, to }, i) => i === 0 || from !== chunks[i - 1].from || to !== chunks[i - 1].to)
  return { local, session, chunks, states, synced, transfers }
}

const isSame = (local: Local, world: World) => {
  expect(local.base).toEqual({ checksum: world.remote?.checksum, pageCount: world.remote?.pages.length })
  expect(titles(local)).toEqual(world.remote === null ? [] : titles(world.remote))
}

test("before the base is here a mutation runs on the app's empty tables, and again on the base's rows (I7)", async () => {
  const world = await startWorld(1)
  await world.remote?.mutate("Add", { id: "7", title: "theirs" }, null)
  world.network.setOnline(false)
  const { local, session, synced } = await startClient(world, [], async () => {})
  const toggled = local.run("Toggle", { id: "7" })
  const doubled = local.run("Add", { id: "7", title: "mine" })
  expect(() => local.run("Add", { id: "7", title: "again" })).toThrow(expect.objectContaining({ code: "SQL_ERROR" }))
  expect(titles(local)).toEqual(["mine"])
  world.network.setOnline(true)
  session.poke()
  expect([(await toggled.remote).type, (await doubled.remote).type]).toEqual(["applied", "rejected"])
  await synced()
  isSame(local, world)
  const [row] = local.query<{ title: string; done: number }>(sql`select title, done from todos where id = '7'`)
  expect(row).toEqual({ title: "theirs", done: 1 })
  session.stop()
})

describe("a first sync whose connections are cut", () => {
  test("gets each page once when nothing changes, and its progress never falls (T23)", async () => {
    const world = await startWorld()
    const { local, session, chunks, synced, states } = await startClient(world, [7, 1, 0, 9], async () => {})
    await synced()
    isSame(local, world)
    const pageCount = world.remote?.pages.length ?? 0
    // The cut may come before what had arrived was inflated.
    expect(chunks.length).toBeLessThan(pageCount + 4)
    expect(new Set(chunks.map(({ pageNo }) => pageNo)).size).toBe(pageCount)
    const progress = states.flatMap(({ firstSync }) => (firstSync === null ? [] : [firstSync.bytes]))
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    session.stop()
  })

  test("ends with the present document, whatever was written meanwhile", async () => {
    const world = await startWorld()
    const { local, session, transfers, synced } = await startClient(world, [10, 3, 12, 1], async (cut) => {
      await world.remote?.mutate("Toggle", { id: `${100 + cut}` }, null)
      await world.remote?.mutate("Add", { id: `9${cut}`, title: "y".repeat(9_000) }, null)
    })
    await synced()
    isSame(local, world)
    expect(transfers().filter(({ from }) => from > 0).length).toBeGreaterThan(1)
    session.stop()
  })

  test("goes on after the server's restart, and a checkpoint", async () => {
    const world = await startWorld()
    const { local, session, transfers, synced } = await startClient(world, [10, 10], async (cut) => {
      if (cut === 2) await world.remote?.checkpoint()
      await world.stopServer()
      await world.startServer()
      await world.remote?.mutate("Toggle", { id: "101" }, null)
    })
    await synced()
    isSame(local, world)
    expect(transfers().map(({ from }) => from > 0)).toContain(true)
    session.stop()
  })

  test("begins anew after a restore, and shows nothing of what is gone (T2)", async () => {
    const world = await startWorld()
    const backup = new MemoryDisk()
    await world.stopServer()
    await copyLog(await world.serverDisk.open("d"), await backup.open("d"))
    await world.startServer()
    await world.remote?.mutate("Add", { id: "gone", title: "gone" }, null)
    const { local, session, transfers, synced } = await startClient(world, [20], async () => {
      await world.stopServer()
      await copyLog(await backup.open("d"), await freshen(world).open("d"))
      await renewEpoch(await world.serverDisk.open("d"), host)
      await world.startServer()
    })
    await synced()
    isSame(local, world)
    expect(transfers().map(({ from }) => from)).toEqual([0, 0])
    expect(titles(local)).not.toContain("gone")
    session.stop()
  })

  test("keeps what was written before it ended, in view and for the server (I7)", async () => {
    const world = await startWorld()
    const { local, session, synced } = await startClient(world, [5, 5], async () => {})
    const { remote } = local.run("Add", { id: "1", title: "mine" })
    expect(titles(local)).toEqual(["mine"])
    await synced()
    expect((await remote).type).toBe("applied")
    await synced()
    isSame(local, world)
    session.stop()
  })
})

/** The server's disk as a new one. */
function freshen(world: World): MemoryDisk {
  world.serverDisk = new MemoryDisk()
  return world.serverDisk
}
