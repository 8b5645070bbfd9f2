import { execFile } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { sql } from "@lf/core"
import { type DocumentStore, SqliteFile } from "@lf/core/internal"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { backupDocument } from "../../next/src/documents/backup.ts"
import { copyDocuments } from "../../next/src/documents/copy-documents.ts"
import { exportDocument } from "../../next/src/documents/export.ts"
import { FileStore } from "../../next/src/documents/file-store.ts"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { loadSqlite } from "../../next/src/node/load-sqlite.ts"
import { bundle } from "../../next/src/testing/bundle.ts"
import {
  cleanUp,
  later,
  mutator,
  ownedOf,
  startClient,
  startServer,
  temporaryDirectory,
  until,
} from "../../next/src/testing/fixture.ts"
import { STORE_VERSION } from "./schema.ts"
import { codeOf, type TestDatabase, testServer } from "./testing/server.ts"

const run = promisify(execFile)
const server = testServer()
let database: TestDatabase

beforeAll(async () => {
  database = await server.makeDatabase()
}, 60_000)
afterEach(cleanUp)

const all = sql<{ id: string }>`select id from todos order by id`
let namespaces = 0
const newStore = () => database.openStore({ namespace: `test-${++namespaces}` })

async function write(store: DocumentStore, docId: string, ids: readonly string[]): Promise<string> {
  const rooms = new Rooms({ store, mutator })
  try {
    const lease = await rooms.enter(docId, { create: true })
    const remote = ownedOf(lease)
    for (const id of ids) await remote.mutate("Add", { id, title: id }, null)
    lease.leave()
    return remote.epoch
  } finally {
    await rooms.close()
  }
}

async function contentOf(store: DocumentStore, docId: string): Promise<{ ids: string[]; epoch: string }> {
  const rooms = new Rooms({ store, mutator })
  later(() => rooms.close())
  const lease = await rooms.enter(docId, { create: false })
  const remote = ownedOf(lease)
  const rows = await remote.read(all)
  lease.leave()
  return { ids: rows.map(({ id }) => id), epoch: remote.epoch }
}

describe("from a data directory into PostgreSQL", () => {
  test("every document is copied with its epoch; a second call leaves all, one that was cut goes on", async () => {
    const dataDir = await temporaryDirectory()
    const epoch = await write(new FileStore(dataDir), "a", ["1", "2"])
    await write(new FileStore(dataDir), "B_2", ["3"])
    const to = await newStore()
    // As a call leaves it that was cut between the opening and the only write.
    await (await to.open("a")).log.close()
    const from = new FileStore(dataDir)
    const seen: string[] = []
    const onProgress = (done: number, of: number) => seen.push(`${done}/${of}`)
    expect(await copyDocuments({ from, to, onProgress })).toEqual({ copied: 2, left: 0 })
    expect(seen).toEqual(["1/2", "2/2"])
    expect(await copyDocuments({ from, to })).toEqual({ copied: 0, left: 2 })
    expect(await codeOf(copyDocuments({ from: new FileStore(dataDir), to }))).toBe("SERVER_DIRECTORY_OWNED")
    await from.close()
    expect((await to.list()).map(({ docId }) => docId)).toEqual(["B_2", "a"])
    expect(await contentOf(to, "a")).toEqual({ ids: ["1", "2"], epoch })
  })

  test("a browser goes on with the copy: what it had stays, what it has not sent arrives once (I8, I9)", async () => {
    const first = await startServer()
    const client = await startClient(first.url)
    await client.add("1").remote
    await first.stop()
    client.add("2")
    const to = await newStore()
    const from = new FileStore(first.dataDir)
    await copyDocuments({ from, to })
    await from.close()
    const { cursor, epoch } = client.local
    await startServer({ store: to, port: first.port, path: first.path })
    await until(() => client.local.pendingCount === 0, "the client's mutation arrived", 10_000)
    expect(client.titles()).toEqual(["1", "2"])
    expect([client.local.epoch, client.local.cursor > cursor, client.local.rejections]).toEqual([epoch, true, []])
  })
})

test("a document is backed up and exported while a server has it open; an absent one is DOC_NOT_FOUND", async () => {
  const store = await newStore()
  const rooms = new Rooms({ store, mutator })
  later(() => rooms.close())
  const lease = await rooms.enter("d", { create: true })
  const remote = ownedOf(lease)
  later(lease.leave)
  await remote.mutate("Add", { id: "1", title: "one" }, null)
  const file = join(await temporaryDirectory(), "d.db")
  expect(await backupDocument({ from: store, docId: "d", file })).toEqual({ pageCount: remote.pages.length })
  expect(Buffer.concat([...remote.pages]).equals(await readFile(file))).toBe(true)
  await rm(file)
  await exportDocument({ from: store, docId: "d", file })
  expect((await readFile(file)).subarray(0, 15).toString()).toBe("SQLite format 3")
  expect(await codeOf(backupDocument({ from: store, docId: "none", file: `${file}2` }))).toBe("DOC_NOT_FOUND")
})

test("lf on the database: the tables are made once, documents are copied, listed, queried, restored, filled and deleted", async () => {
  const { connectionString, openStore } = await server.makeDatabase()
  const dataDir = await temporaryDirectory()
  await write(new FileStore(dataDir), "a", ["1", "2"])
  const program = await bundle("cli/bin.ts")
  const env = { ...process.env, LF_DATA_DIR: dataDir, LF_DATABASE_URL: connectionString }
  const lf = async (words: readonly string[], variables: NodeJS.ProcessEnv = env) => {
    const options = { env: variables, cwd: new URL(".", import.meta.url).pathname }
    const { stdout, stderr } = await run(process.execPath, [program, ...words], options).catch((error) => error)
    return `${stdout}${stderr}`
  }
  expect(await lf(["migrate-store"])).toBe(`the store: from version 0 to ${STORE_VERSION}\n`)
  expect(await lf(["migrate-store"])).toBe(`the store has version ${STORE_VERSION} already\n`)
  expect(await lf(["copy-to-database"])).toMatch(/\/main: 1 document from /)
  expect(await lf(["copy-to-database"])).toMatch(/0 documents from .*; left 1 that was there already/)
  expect(await lf(["list"])).toMatch(/^a {2}\d+\.\d KiB .*\npostgres:\/\/127\.0\.0\.1:\d+\/\w+\/main: 1 document\n$/)
  expect(await lf(["list", "--namespace", "other"])).toMatch(/\/other: 0 documents/)
  expect(await lf(["sql", "a", "select count(*) as n from todos"])).toBe('{"n":2}\n')
  const store = await openStore()
  const { log } = await store.open("a")
  expect(await lf(["copy-to-database"])).toMatch(/lf copy-to-database: LOG_OWNED: another server has had main\/a open/)
  await log.close()
  const [backup, rows] = [join(dataDir, "a.db"), join(dataDir, "todos.csv")]
  await writeFile(rows, "id,title\n3,three\n")
  expect(await lf(["backup", "a", backup])).toMatch(/a\.db: document a, \d+ pages/)
  expect(await lf(["import", "a", rows])).toMatch(/^document a: 1 row more in /)
  expect(await lf(["import", "b", rows])).toMatch(/DOC_NOT_FOUND: there is no document b in postgres/)
  expect(await lf(["import", "b", rows, "--like", "a"])).toMatch(/^document b: 1 row more in /)
  expect(await lf(["sql", "b", "select id, title from todos"])).toBe('{"id":"3","title":"three"}\n')
  expect(await lf(["restore", "c", backup])).toMatch(/^document c: \d+ pages from .*; there was none before\n$/)
  const [, kept] = /what was there before is in (.*\.db)\n$/.exec(await lf(["restore", "a", backup])) ?? []
  expect(await lf(["sql", "a", "select count(*) as n from todos"])).toBe('{"n":2}\n')
  expect(await idsOf(kept ?? "")).toEqual(["1", "2", "3"])
  const held = await store.open("a")
  expect(await lf(["restore", "a", backup])).toMatch(/lf restore: LOG_OWNED/)
  await held.log.close()
  const second = await server.makeDatabase()
  const both = { ...env, LF_DATABASE_URL: `${connectionString} ${second.connectionString}` }
  const spread = await lf(["rebalance"], both)
  expect(spread).toMatch(/^\d documents? moved; new ones go to postgres:\/\/127\.0\.0\.1:\d+\/\w+ and postgres:/)
  const [, address] = /new ones go to (\S+) and \S+\n$/.exec(spread) ?? []
  expect(await lf(["sql", "a", "select count(*) as n from todos"], both)).toBe('{"n":2}\n')
  expect(await lf(["rebalance", "--without", "postgres://none"], both)).toMatch(
    /LOG_FAILED: postgres:\/\/none is not one of/,
  )
  expect(await lf(["rebalance", "--without", spread.trim().split(" and ")[1]], both)).toMatch(
    `moved; new ones go to ${address}\n`,
  )
  expect(await lf(["delete", "a", "--force"])).toBe("a: deleted\n")
  expect(await lf(["inspect", "a"])).toMatch(/DOC_NOT_FOUND: there is no document a in postgres/)
  expect(await lf(["list", "--data", dataDir])).toMatch(/^a /)
  // It knows directories alone: which one is meant has to be said.
  expect(await lf(["reset"])).toMatch(/LOG_FAILED: LF_DATABASE_URL is set.* --data/)
  const without = { ...env, LF_DATABASE_URL: "" }
  expect(await lf(["migrate-store"], without)).toMatch(/LOG_FAILED: expected LF_DATABASE_URL/)
  const unreachable = { ...env, LF_DATABASE_URL: "postgres://lf:secret@127.0.0.1:1/x" }
  const refused = await lf(["list"], unreachable)
  expect(refused).toMatch(/lf list: LOG_FAILED: .*ECONNREFUSED/)
  expect(refused).not.toContain("secret")
}, 90_000)

async function idsOf(file: string): Promise<string[]> {
  const document = new SqliteFile(await loadSqlite(), await readFile(file))
  const ids: string[] = []
  const todos = document.tables().find(({ name }) => name === "todos")
  if (todos !== undefined) document.each(todos, ({ id }) => void ids.push(String(id)))
  document.close()
  return ids
}
