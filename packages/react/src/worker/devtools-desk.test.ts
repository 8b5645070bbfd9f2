import { defineMutation, defineMutator, sql } from "@lf/core"
import { expect, test } from "vitest"
import { z } from "zod"
import { readBugFile } from "../rpc/bug-file.ts"
import type { DevtoolsAnswers, DevtoolsQuestion, ShownDetail } from "../rpc/devtools-protocol.ts"
import { adding, itemsMutator, itemsQuery, itemsServer, SceneTab, WorkerScene } from "../testing/worker-scene.ts"
import { DevtoolsDesk, LEASE_MS } from "./devtools-desk.ts"
import { WorkerHost } from "./worker-host.ts"

const key = "anonymous/d"

/** A worker with a desk, a tab that shows items, and a panel. */
async function open({ isOnline = false, mutator = itemsMutator } = {}) {
  const scene = new WorkerScene(isOnline ? { network: (await itemsServer()).network } : {})
  const desks: DevtoolsDesk[] = []
  const worker = new WorkerHost({
    mutator,
    platform: scene.platform,
    end: () => {},
    devtools: (source) => {
      const desk = new DevtoolsDesk(source, { checksMutators: true })
      desks.push(desk)
      return desk
    },
  })
  const tab = new SceneTab(worker).open()
  const panel = new SceneTab(worker)
  let calls = 0
  const ask = async <Type extends DevtoolsQuestion["type"]>(question: DevtoolsQuestion & { type: Type }) => {
    const call = ++calls
    panel.say({ type: "devtools", call, question })
    const find = () => panel.received.find((one) => one.type === "devtools" && one.call === call)
    await expect.poll(find).toBeDefined()
    const answer = find()
    if (answer?.type !== "devtools") throw new Error("no answer")
    if (answer.reply.type === "error") throw answer.reply.error
    return answer.reply.value as DevtoolsAnswers[Type]
  }
  const detail = async (): Promise<ShownDetail> => {
    const { detail: found } = await ask({ type: "watch", key })
    if (found === null) throw new Error("the document is not open")
    return found
  }
  await expect.poll(() => tab.state?.isOpen).toBe(true)
  return { scene, tab, panel, ask, detail, desk: desks[0] }
}

test("a panel sees the documents, and each query with the table and index whose pages changed", async () => {
  const { tab, ask, detail } = await open()
  expect((await ask({ type: "watch", key: null })).detail).toBeNull()
  tab.say({ type: "subscribe", id: 1, ...itemsQuery })
  await expect.poll(() => tab.count("results")).toBe(1)
  expect((await detail()).queries).toMatchObject([
    { sql: itemsQuery.sql, readers: 1, rows: 0, runs: 1, cause: { type: "first" } },
  ])
  tab.say(adding("a"))
  await expect.poll(() => tab.count("mutated")).toBe(1)
  const { queries, mutations } = await detail()
  // `items` has a key of text: the query reads that index alone.
  const sources = [{ table: "items", index: "sqlite_autoindex_items_1", pages: 1 }]
  expect(queries).toMatchObject([{ rows: 1, runs: 2, cause: { type: "changed", sources } }])
  expect(mutations).toMatchObject([{ name: "Add", args: '"a"', outcome: "pending", error: null }])
  const { documents } = await ask({ type: "watch", key })
  expect(documents).toMatchObject([{ key, doc: "d", user: null, isOpen: true, pending: 1, tabs: 1, queries: 1 }])
})

test("tables, their rows in steps, and read-only SQL with its errors are answered", async () => {
  const { tab, ask } = await open()
  for (let i = 0; i < 60; i++) tab.say(adding(`item ${String(i).padStart(2, "0")}`))
  await expect.poll(() => tab.count("mutated")).toBe(60)
  const columns = [{ name: "id", type: "TEXT", isKey: true }]
  expect(await ask({ type: "tables", key })).toEqual([{ name: "items", type: "table", columns, rows: 60 }])
  const rows = await ask({ type: "rows", key, table: "items", offset: 50 })
  expect([rows.columns, rows.count]).toEqual([["id"], 10])
  const cells = await ask({
    type: "sql",
    key,
    sql: "select null a, 1.5 b, 'x' c, x'0102' d, printf('%.*c', 600, 'y') e",
  })
  expect(cells.rows[0].map(({ type, text }) => [type, text.length])).toEqual([
    ["null", 4],
    ["number", 3],
    ["text", 1],
    ["blob", 7],
    ["text", 501],
  ])
  await expect(ask({ type: "sql", key, sql: "delete from items" })).rejects.toMatchObject({ code: "SQL_DENIED" })
  await expect(ask({ type: "sql", key, sql: "select" })).rejects.toMatchObject({ code: "SQL_ERROR" })
  await expect(ask({ type: "tables", key: "other" })).rejects.toMatchObject({ code: "LOG_CLOSED" })
})

test("a rejection and its server's position are seen, and what went over the connection", async () => {
  const { tab, detail, ask } = await open({ isOnline: true })
  await ask({ type: "watch", key })
  tab.say(adding("good"), adding("bad one"))
  await expect
    .poll(async () => (await detail()).mutations.map(({ outcome }) => outcome).sort())
    .toEqual(["applied", "rejected"])
  const { mutations, connection } = await detail()
  expect(mutations.find(({ outcome }) => outcome === "rejected")).toMatchObject({
    args: '"bad one"',
    error: { code: "not-welcome" },
  })
  expect(mutations.find(({ outcome }) => outcome === "applied")?.lsn).toBeGreaterThan(0)
  expect(connection).toMatchObject({ tries: 1, failures: 0, errors: [] })
  expect(Math.min(connection.framesIn, connection.framesOut, connection.bytesIn, connection.bytesOut)).toBeGreaterThan(
    1,
  )
})

test("a connection that fails is counted, and its error kept once", async () => {
  const { scene, detail } = await open()
  await expect.poll(async () => (await detail()).connection.failures).toBe(1)
  scene.pass(1_000)
  await expect.poll(async () => (await detail()).connection.failures).toBe(2)
  expect((await detail()).connection.errors).toMatchObject([{ code: "SERVER_CLOSING", message: "no server" }])
})

test("nothing is collected before a panel asks, after it was closed, and when it asks no more", async () => {
  const { scene, ask, desk } = await open()
  expect(desk.isWatched).toBe(false)
  await ask({ type: "watch", key })
  expect(desk.isWatched).toBe(true)
  await ask({ type: "stop" })
  expect(desk.isWatched).toBe(false)
  await ask({ type: "watch", key })
  scene.pass(LEASE_MS)
  expect(desk.isWatched).toBe(false)
})

test("a worker without a desk does not answer, and serves its documents", async () => {
  const { worker } = new WorkerScene()
  const tab = new SceneTab(worker).open()
  tab.say({ type: "devtools", call: 1, question: { type: "watch", key } })
  await expect.poll(() => tab.state?.isOpen).toBe(true)
  expect(tab.count("devtools")).toBe(0)
})

test("an exported bug has the pending mutations, and no secret of the client", async () => {
  const { tab, ask } = await open()
  tab.say(adding("a"), adding("b"))
  await expect.poll(() => tab.count("mutated")).toBe(2)
  const { notes, copy } = await readBugFile(await ask({ type: "export", key, version: "v7", userAgent: "a browser" }))
  expect(copy.pending.length).toBe(2)
  expect(notes).toMatchObject({
    doc: "d",
    user: null,
    code: { version: "v7", mutations: ["Add"], userAgent: "a browser" },
  })
  expect(Object.keys(copy)).not.toContain("secret")
})

test("a mutator whose runs differ is reported in every tab and in the panel, and its change stands", async () => {
  const Roll = defineMutation("Roll", z.null(), (tx) => void tx.run(sql`insert into rolls values (${Math.random()})`))
  const mutator = defineMutator({ migrations: [sql`create table rolls (v real) strict`], mutations: [Roll] })
  const { tab, detail } = await open({ mutator })
  tab.say({ type: "mutate", uid: adding("").uid, name: "Roll", args: null })
  await expect.poll(() => tab.count("mutated")).toBe(1)
  expect(tab.last("uncaught")?.error).toMatchObject({
    code: "MUTATION_UNREPEATABLE",
    message: expect.stringContaining("Roll is not repeatable"),
  })
  expect((await detail()).differences).toMatchObject([
    { mutation: "Roll", first: expect.stringContaining("insert into rolls") },
  ])
  expect(tab.state?.pendingCount).toBe(1)
})

test("a query over several documents is listed with the document and table whose pages changed", async () => {
  const { tab, detail, ask } = await open()
  const docs = ["d", "e"]
  tab.say({ type: "subscribe", id: 7, sql: "select _doc, id from items", parameters: [], docs })
  await expect.poll(() => tab.count("results")).toBe(1)
  await expect.poll(async () => (await detail()).queries).toMatchObject([{ docs, rows: 0, cause: { type: "unseen" } }])
  tab.say(adding("a"))
  await expect.poll(() => tab.count("results")).toBe(2)
  const sources = [{ table: "d.items", index: null, pages: 1 }]
  expect((await detail()).queries).toMatchObject([{ docs, rows: 1, runs: 1, cause: { type: "changed", sources } }])
  tab.say({ type: "unsubscribe", id: 7 })
  expect((await detail()).queries).toEqual([])
  await ask({ type: "stop" })
})
