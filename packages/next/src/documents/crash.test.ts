import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { sql } from "@lf/core"
import { MemoryDisk } from "@lf/core/internal"
import { afterEach, expect, test } from "vitest"
import { askSqliteShell, bundle, hasSqliteShell } from "../testing/bundle.ts"
import { cleanUp, later, mutator, ownedOf, startClient, temporaryDirectory, until } from "../testing/fixture.ts"
import { endProcess, startProcess } from "../testing/processes.ts"
import { docDirectory } from "./document-directory.ts"
import { FileStore } from "./file-store.ts"
import { Rooms } from "./rooms.ts"

afterEach(cleanUp)

const KILLS = 3
const CLIENTS = 3

test("SIGKILL under load from three clients loses and doubles nothing (I3, I9, I19)", {
  timeout: 120_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/crash-server.ts")
  let server = await startProcess({ script, dataDir })
  const url = `ws://127.0.0.1:${server.port}/api/lf`
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startClient(url, { disk: new MemoryDisk() })))
  const sent: string[] = []
  const outcomes = new Map<string, number>()
  const sendOne = () => {
    const id = `${sent.length % CLIENTS}-${String(sent.length).padStart(6, "0")}`
    sent.push(id)
    const receipt = clients[sent.length % CLIENTS].add(id)
    void receipt.remote.then(({ type }) => {
      if (type === "applied") outcomes.set(id, (outcomes.get(id) ?? 0) + 1)
    })
  }
  const load = setInterval(() => {
    for (let i = 0; i < 5; i++) sendOne()
  }, 2)
  later(() => clearInterval(load))

  for (let kill = 0; kill < KILLS; kill++) {
    const before = outcomes.size
    await until(() => outcomes.size >= before + 100 * (kill + 1), "the server works")
    await endProcess(server, "SIGKILL")
    server = await startProcess({ script, dataDir, port: server.port })
    for (const { session } of clients) session.poke()
  }
  clearInterval(load)

  await until(() => outcomes.size === sent.length, "every mutation was decided", 60_000)
  await until(() => new Set(clients.map(({ local }) => local.cursor)).size === 1, "all are up to date")
  const [first, ...others] = clients.map(({ local }) => local.base)
  for (const base of others) expect(base).toEqual(first)
  for (const client of clients) expect(client.titles()).toEqual(sent.toSorted())
  expect([...outcomes.values()].every((count) => count === 1)).toBe(true)

  // A second server on the same directory opens nothing while the first runs.
  const second = new Rooms({ store: new FileStore(dataDir), mutator })
  await expect(second.enter("doc", { create: false })).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
  await endProcess(server, "SIGTERM")
  const lease = await second.enter("doc", { create: false })
  const remote = ownedOf(lease)
  later(() => second.close())
  expect({ checksum: remote.checksum, pageCount: remote.pages.length }).toEqual(first)
  expect(remote.query(sql`select count(*) as n, count(distinct id) as ids from todos`)).toEqual([
    { n: sent.length, ids: sent.length },
  ])
  lease.leave()
  await second.close()
  await expectSound(docDirectory(dataDir, "doc"), sent.length)
})

test("a mutation that kills the process is quarantined, and other clients' arrive (T12)", {
  timeout: 60_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/crash-server.ts")
  let server = await startProcess({ script, dataDir })
  let deaths = 0
  let isOver = false
  // A process manager would start it again.
  const watch = async () => {
    for (;;) {
      await once(server.child, "exit")
      if (isOver) return
      deaths++
      server = await startProcess({ script, dataDir, port: server.port })
      for (const { session } of clients) session.poke()
    }
  }
  const url = `ws://127.0.0.1:${server.port}/api/lf`
  const clients = await Promise.all([1, 2].map(() => startClient(url, { disk: new MemoryDisk() })))
  void watch()
  const [killer, innocent] = clients
  killer.add("before")
  const killed = killer.local.run("Kill", { id: "killer" })
  killer.add("after")
  const arrived = innocent.add("innocent").remote
  expect(await killed.remote).toMatchObject({ type: "rejected", code: "MUTATION_QUARANTINED" })
  expect(await arrived).toMatchObject({ type: "applied" })
  await until(() => killer.titles().length === 3 && innocent.titles().length === 3, "all arrive")
  expect(killer.titles()).toEqual(["after", "before", "innocent"])
  expect(deaths).toBeGreaterThanOrEqual(3)
  expect(deaths).toBeLessThanOrEqual(4)
  isOver = true
  await endProcess(server, "SIGTERM")
})

/** What the `sqlite3` shell says about the checkpoint, where there is one. */
async function expectSound(directory: string, rows: number): Promise<void> {
  const main = (await readdir(directory)).find((name) => /^main-\d+\.db$/.test(name))
  expect(main).toBeDefined()
  const ask = (question: string) => askSqliteShell(join(directory, String(main)), question)
  if (!hasSqliteShell()) return
  expect(ask("pragma integrity_check")).toBe("ok")
  expect(ask("pragma foreign_key_check")).toBe("")
  expect(ask("select count(*) from todos")).toBe(String(rows))
}
