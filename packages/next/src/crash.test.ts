import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { MemoryDisk, sql } from "@lf/core"
import { afterEach, expect, test } from "vitest"
import { docDirectory } from "./doc-directory.ts"
import { Rooms } from "./rooms.ts"
import { askSqliteShell, bundle, hasSqliteShell } from "./testing/bundle.ts"
import { cleanUp, later, mutator, startClient, temporaryDirectory, until } from "./testing/fixture.ts"

afterEach(cleanUp)

const KILLS = 5
const CLIENTS = 3

async function start(script: string, dataDir: string, port: number): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [script, dataDir, String(port)], { stdio: ["ignore", "pipe", "inherit"] })
  later(() => child.kill("SIGKILL"))
  const [line] = await once(createInterface({ input: child.stdout }), "line")
  return { child, port: Number(line) }
}

async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const isGone = once(child, "exit")
  child.kill(signal)
  await isGone
}

test("I3 I9 I19 SIGKILL under load from three clients: nothing lost, nothing doubled, equal pages", {
  timeout: 120_000,
}, async () => {
  const dataDir = await temporaryDirectory()
  const script = await bundle("testing/crash-server.ts")
  let server = await start(script, dataDir, 0)
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
    await end(server.child, "SIGKILL")
    server = await start(script, dataDir, server.port)
    for (const { session } of clients) session.poke()
  }
  clearInterval(load)

  await until(() => outcomes.size === sent.length, "every mutation was decided", 60_000)
  await until(() => new Set(clients.map(({ local }) => local.cursor)).size === 1, "all are up to date")
  const [first, ...others] = clients.map(({ local }) => local.base)
  for (const base of others) expect(base).toEqual(first)
  for (const client of clients) expect(client.titles()).toEqual(sent.toSorted())
  expect([...outcomes.values()].every((count) => count === 1)).toBe(true)

  // A second server on the same directory opens nothing while the first lives.
  const second = new Rooms({ dataDir, mutator })
  await expect(second.enter("doc", { create: false })).rejects.toMatchObject({ code: "SERVER_DIRECTORY_OWNED" })
  await end(server.child, "SIGTERM")
  const { remote, leave } = await second.enter("doc", { create: false })
  later(() => second.close())
  expect({ checksum: remote.checksum, pageCount: remote.pages.length }).toEqual(first)
  expect(remote.query(sql`select count(*) as n, count(distinct id) as ids from todos`)).toEqual([
    { n: sent.length, ids: sent.length },
  ])
  leave()
  await second.close()
  await expectSound(docDirectory(dataDir, "doc"), sent.length)
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
