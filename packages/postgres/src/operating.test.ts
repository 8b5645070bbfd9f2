import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { sql } from "@lf/core"
import { type DocumentStore, SqliteFile } from "@lf/core/internal"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { backupDocument } from "../../next/src/documents/backup.ts"
import { copyDocuments } from "../../next/src/documents/copy-documents.ts"
import { exportDocument } from "../../next/src/documents/export.ts"
import { FileStore } from "../../next/src/documents/file-store.ts"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { loadSqlite } from "../../next/src/node/load-sqlite.ts"
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
import { commandLine, namesIn } from "./testing/command-line.ts"
import { codeOf, type TestDatabase, testServer } from "./testing/server.ts"

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

describe("lf copy-to-directory and copy-to-database", () => {
  test("a directory and then another database get the same bytes, and a browser goes on with them (I8, I9)", async () => {
    const [one, other] = [await server.makeDatabase(), await server.makeDatabase()]
    const [dataDir, place] = [await temporaryDirectory(), join(await temporaryDirectory(), "made")]
    // As a directory closes it, with a checkpoint; the other document has none in a database yet.
    await write(new FileStore(dataDir), "B_2", ["3"])
    const from = new FileStore(dataDir)
    await copyDocuments({ from, to: await one.openStore() })
    await from.close()
    const first = await startServer({ store: await one.openStore() })
    const client = await startClient(first.url)
    await client.add("1").remote
    await client.add("2").remote
    await first.stop()
    client.add("3")
    const lf = await commandLine({ LF_DATA_DIR: place, LF_DATABASE_URL: one.connectionString })
    expect((await lf(["copy-to-directory"])).text).toMatch(/\/made: 2 documents from postgres:\/\/127.*\/main\n$/)
    expect((await lf(["copy-to-directory"])).text).toMatch(
      /\/made: 0 documents from .*; left 2 that were there already\n$/,
    )
    const there = { LF_DATABASE_URL: other.connectionString }
    expect((await lf(["copy-to-database"], there)).text).toMatch(/\/main: 2 documents from .*\/made\n$/)
    const [before, after] = [await one.openStore(), await other.openStore()]
    for (const docId of ["doc", "B_2"]) {
      const stored = await before.read(docId)
      expect(stored?.checkpoint === null).toBe(docId === "doc")
      expect(stored?.records.length).toBeGreaterThan(0)
      expect(await new FileStore(place).read(docId)).toEqual(stored)
      expect(await after.read(docId)).toEqual(stored)
    }
    const { cursor, epoch } = client.local
    await startServer({ store: after, port: first.port, path: first.path })
    await until(() => client.local.pendingCount === 0, "the client's mutation arrived", 10_000)
    expect(client.titles()).toEqual(["1", "2", "3"])
    expect([client.local.epoch, client.local.cursor > cursor, client.local.rejections]).toEqual([epoch, true, []])
  }, 30_000)

  test("named documents alone are copied; of one that is nowhere it is said where, and nothing is copied", async () => {
    const { connectionString, openStore } = await server.makeDatabase()
    const [dataDir, place] = [await temporaryDirectory(), join(await temporaryDirectory(), "made")]
    for (const docId of ["a", "b", "c"]) await write(new FileStore(dataDir), docId, [docId])
    const lf = await commandLine({ LF_DATA_DIR: dataDir, LF_DATABASE_URL: connectionString })
    const missing = await lf(["copy-to-database", "a", "none", "nor-this"])
    expect(missing).toEqual({
      code: 1,
      text: `lf copy-to-database: DOC_NOT_FOUND: there is no document none and no document nor-this in ${dataDir}; nothing was copied\n`,
    })
    expect((await lf(["copy-to-database", "../a"])).text).toMatch(/DOC_ID_INVALID/)
    const store = await openStore()
    expect(await store.list()).toEqual([])
    expect((await lf(["copy-to-database", "a", "b", "a"])).text).toMatch(/: 2 documents from/)
    expect((await store.list()).map(({ docId }) => docId)).toEqual(["a", "b"])
    const nowhere = await lf(["copy-to-directory", "b", "c", "--data", place])
    expect(nowhere.text).toMatch(
      /DOC_NOT_FOUND: there is no document c in postgres:\/\/127.*\/main; nothing was copied\n$/,
    )
    expect(await namesIn(place)).toBe(null)
    expect((await lf(["copy-to-directory", "b", "--data", place])).text).toMatch(/: 1 document from/)
    // As a call leaves it that was cut between the opening and the only write.
    const cut = new FileStore(place)
    await (await cut.open("a")).log.close()
    expect((await lf(["copy-to-directory", "--data", place])).text).toMatch(/: 1 document from .*; left 1 that was/)
    expect((await new FileStore(place).list()).map(({ docId }) => docId)).toEqual(["a", "b"])
  }, 60_000)

  test("where the target has other documents, or a server has one open, nothing is copied", async () => {
    const { connectionString, openStore } = await server.makeDatabase()
    const [store, place] = [await openStore(), await temporaryDirectory()]
    for (const docId of ["a", "b"]) await write(await openStore(), docId, [docId])
    const lf = await commandLine({ LF_DATA_DIR: place, LF_DATABASE_URL: connectionString })
    const held = await store.open("b")
    expect((await lf(["copy-to-directory"])).text).toMatch(/LOG_OWNED: another server has had main\/b open/)
    await held.log.close()
    const idsThere = async () => (await new FileStore(place).list()).map(({ docId }) => docId)
    await rm(place, { recursive: true })
    await write(new FileStore(place), "b", ["another"])
    const differs =
      /^lf copy-to-\w+: LOG_CORRUPT: document b in \S+ differs from the one in \S+: keep one, and delete the other/
    for (const words of [["copy-to-directory"], ["copy-to-directory", "a"], ["copy-to-database"]]) {
      const refused = await lf(words)
      expect([refused.code, refused.text]).toEqual([1, expect.stringMatching(differs)])
    }
    expect(await idsThere()).toEqual(["b"])
    await lf(["delete", "b", "--force", "--data", place])
    await write(new FileStore(place), "x", ["another"])
    const foreign = await lf(["copy-to-directory", "a"])
    expect(foreign.text).toMatch(
      /LOG_FAILED: expected no document in \S+ that postgres:\S+ lacks, got x: name an empty directory/,
    )
    expect(await idsThere()).toEqual(["x"])
    // Databases may have documents of more than one directory.
    expect((await lf(["copy-to-database"])).text).toMatch(/: 1 document from/)
    expect((await store.list()).map(({ docId }) => docId)).toEqual(["a", "b", "x"])
  }, 60_000)
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
  const command = await commandLine({ LF_DATA_DIR: dataDir, LF_DATABASE_URL: connectionString })
  const lf = async (words: readonly string[], more?: Readonly<Record<string, string>>) =>
    (await command(words, more)).text
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
  const both = { LF_DATABASE_URL: `${connectionString} ${second.connectionString}` }
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
  const without = { LF_DATABASE_URL: "" }
  expect(await lf(["migrate-store"], without)).toMatch(/LOG_FAILED: expected LF_DATABASE_URL/)
  const unreachable = { LF_DATABASE_URL: "postgres://lf:secret@127.0.0.1:1/x" }
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
