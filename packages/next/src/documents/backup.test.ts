import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { copyFile, cp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { sql } from "@lf/core"
import { loadChecksum, type Network, PAGE_BYTES, type Pipe, pagesChecksum, readCopy } from "@lf/core/internal"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { Database } from "../../../core/src/sqlite/database.ts"
import { Storage } from "../../../core/src/storage/storage.ts"
import { loadSqlite } from "../node/load-sqlite.ts"
import { wsNetwork } from "../node/ws-network.ts"
import { askSqliteShell, bundle, hasSqliteShell } from "../testing/bundle.ts"
import {
  Add,
  cleanUp,
  later,
  startClient,
  startServer,
  type TestClient,
  temporaryDirectory,
  titlesQuery,
  until,
} from "../testing/fixture.ts"
import { backupDocument } from "./backup.ts"
import { docDirectory } from "./document-directory.ts"
import { FileStore } from "./file-store.ts"
import { restoreDocument } from "./restore.ts"

beforeAll(loadChecksum)
afterEach(cleanUp)

const run = promisify(execFile)

async function copyFrom(file: string) {
  return readCopy(await loadSqlite(), new Uint8Array(await readFile(file)))
}

/** The ids in a backup, which must be sound. */
async function idsIn(file: string): Promise<string[]> {
  const { pages } = await copyFrom(file)
  const db = new Database(await loadSqlite(), new Storage(pages))
  const ids = db.all(sql<{ id: string }>`select id from todos order by id`).map(({ id }) => id)
  db.close()
  if (hasSqliteShell()) {
    expect(askSqliteShell(file, "pragma integrity_check")).toBe("ok")
    expect(askSqliteShell(file, "select count(*) from todos")).toBe(String(ids.length))
  }
  return ids
}

const settled = (clients: readonly TestClient[]) =>
  until(
    () =>
      clients.every(({ local }) => local.pendingCount === 0) &&
      new Set(clients.map(({ local }) => `${local.epoch}/${local.cursor}`)).size === 1,
    "all are up to date",
  )

/** The server still receives from such a client, which receives nothing. */
function halfDeaf(network: Network): Network & { isDeaf: boolean } {
  const made = {
    isDeaf: false,
    connect: async (...args: Parameters<Network["connect"]>): Promise<Pipe> => {
      const pipe = await network.connect(...args)
      return {
        send: (frame) => pipe.send(frame),
        close: (reason) => pipe.close(reason),
        listen: ({ frame, closed }) => pipe.listen({ frame: (bytes) => made.isDeaf || frame(bytes), closed }),
      }
    },
  }
  return made
}

describe("lf backup", () => {
  test("from another process, under writes and rollups: a sound file with a prefix of each client", async () => {
    const { url, dataDir } = await startServer()
    const program = await bundle("cli/bin.ts")
    const clients = await Promise.all([startClient(url), startClient(url), startClient(url)])
    const counts = clients.map(() => 0)
    const idOf = (client: number, n: number) => `${client}-${String(n).padStart(6, "0")}`
    const load = setInterval(() => {
      clients.forEach((client, i) => {
        if (client.local.pendingCount < 50) client.add(idOf(i, counts[i]++), randomBytes(8_000).toString("base64"))
      })
    }, 1)
    later(() => clearInterval(load))
    const file = join(await temporaryDirectory(), "doc.db")
    const directory = docDirectory(dataDir, "doc")
    const generations = new Set<string>()
    await until(() => clients.every(({ local }) => local.cursor > 0), "all have begun")
    for (let reads = 0, last = 0; reads < 3 || generations.size < 3; reads++) {
      for (const name of await readdir(directory)) if (/^log-\d+$/.test(name)) generations.add(name)
      if (reads < 3) await run(process.execPath, [program, "backup", "doc", file, "--data", dataDir, "--force"])
      else await backupDocument({ from: new FileStore(dataDir), docId: "doc", file, existing: "replace" })
      const ids = await idsIn(file)
      const expected = clients.flatMap((_, i) => {
        const count = ids.filter((id) => id.startsWith(`${i}-`)).length
        return Array.from({ length: count }, (_, n) => idOf(i, n))
      })
      expect(ids).toEqual(expected)
      expect(ids.length).toBeGreaterThanOrEqual(last)
      last = ids.length
    }
    clearInterval(load)
    await settled(clients)
    await backupDocument({ from: new FileStore(dataDir), docId: "doc", file, existing: "replace" })
    const { pages } = await copyFrom(file)
    expect({ checksum: pagesChecksum(pages), pageCount: pages.length }).toEqual(clients[0].local.base)
  }, 60_000)

  test("keeps a file that is there, leaves nothing half done, and knows which documents there are", async () => {
    const { lf, dataDir } = await startServer()
    await lf.document("doc", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    const directory = await temporaryDirectory()
    const file = join(directory, "doc.db")
    const at = { from: new FileStore(dataDir), docId: "doc", file }
    expect(await backupDocument(at)).toEqual({ pageCount: expect.any(Number) })
    const before = await readFile(file)
    await expect(backupDocument(at)).rejects.toMatchObject({ code: "BACKUP_EXISTS" })
    expect((await readFile(file)).equals(before)).toBe(true)
    const other = join(directory, "other.db")
    await expect(backupDocument({ ...at, docId: "absent", file: other })).rejects.toMatchObject({
      code: "DOC_NOT_FOUND",
    })
    await expect(backupDocument({ ...at, docId: "../doc", file: other })).rejects.toMatchObject({
      code: "DOC_ID_INVALID",
    })
    expect(await readdir(directory)).toEqual(["doc.db"])
    expect(await readdir(join(dataDir, "docs"))).toEqual(["doc"])
  })

  test("a document whose log is damaged is not backed up (I11)", async () => {
    const { lf, dataDir } = await startServer()
    for (const id of ["1", "2", "3"]) await lf.document("doc", { as: "system" }).mutate(Add, { id, title: id })
    const directory = docDirectory(dataDir, "doc")
    const log = join(directory, (await readdir(directory)).filter((name) => name.startsWith("log-"))[0])
    const bytes = await readFile(log)
    bytes[bytes.length >> 1] ^= 1
    await writeFile(log, bytes)
    const file = join(await temporaryDirectory(), "doc.db")
    await expect(backupDocument({ from: new FileStore(dataDir), docId: "doc", file })).rejects.toMatchObject({
      code: "LOG_CORRUPT",
    })
  })
})

describe("lf restore", () => {
  test("after an older backup, pending mutations apply once and lost ones stay lost (T2, I9, I19)", async () => {
    const first = await startServer()
    const { dataDir, url, path, port } = first
    const deaf = halfDeaf(wsNetwork(url))
    const busy = await startClient(url) // writes before and after the backup, and has more pending
    const quiet = await startClient(url) // writes before the backup, and has something pending
    const reader = await startClient(url) // never wrote, and has something pending
    const late = await startClient(url) // writes after the backup only
    const unsure = await startClient(deaf) // is in the backup, and does not know it
    const clients = [busy, quiet, reader, late, unsure]
    const system = first.lf.document("doc", { as: "system" })
    for (const id of ["a1", "a2", "a3"]) busy.add(id)
    quiet.add("b1")
    unsure.add("u1")
    for (const id of ["s1", "s2"]) await system.mutate(Add, { id, title: id })
    await settled(clients)
    deaf.isDeaf = true
    const doubtful = unsure.add("u2")
    await until(async () => (await system.query(titlesQuery)).length === 8, "the server has what it was sent")
    const file = join(await temporaryDirectory(), "doc.db")
    await backupDocument({ from: new FileStore(dataDir), docId: "doc", file })
    const kept = ["a1", "a2", "a3", "b1", "s1", "s2", "u1", "u2"]

    await system.mutate(Add, { id: "gone-s", title: "gone-s" })
    for (const id of ["gone-a1", "gone-a2"]) busy.add(id)
    late.add("gone-l")
    await settled([busy, quiet, reader, late])
    const before = busy.local.epoch
    await expect(restoreDocument({ dataDir, docId: "doc", file })).rejects.toMatchObject({
      code: "SERVER_DIRECTORY_OWNED",
    })
    await first.stop()
    const pending = [busy.add("p-a1"), busy.add("p-a2"), quiet.add("p-b"), reader.add("p-r"), late.add("p-l")]
    pending.push(unsure.add("p-u"), doubtful)
    deaf.isDeaf = false

    const program = await bundle("cli/bin.ts")
    const { stdout } = await run(process.execPath, [program, "restore", "doc", file, "--data", dataDir])
    expect(stdout).toMatch(/^document doc: \d+ pages from .*doc\.db, epoch [0-9a-f]+; what was there before is in /)
    expect(await readdir(join(dataDir, "docs"))).toEqual(["doc", expect.stringMatching(/^doc\.before-/)])

    const second = await startServer({ dataDir, path, port })
    const outcomes = await Promise.all(pending.map(({ remote }) => remote))
    expect(outcomes.map(({ type }) => type)).toEqual(outcomes.map(() => "applied"))
    const after = second.lf.document("doc", { as: "system" })
    expect(await after.mutate(Add, { id: "s3", title: "s3" })).toMatchObject({ type: "applied" })
    const fresh = await startClient(url)
    await fresh.add("f1").remote
    await settled([...clients, fresh])
    const expected = [...kept, "p-a1", "p-a2", "p-b", "p-r", "p-l", "p-u", "s3", "f1"].sort()
    expect((await after.query(titlesQuery)).map(({ title }) => title)).toEqual(expected)
    for (const client of [...clients, fresh]) {
      expect(client.titles()).toEqual(expected)
      expect(client.local.base).toEqual(busy.local.base)
      expect(client.local.epoch).not.toBe(before)
    }
    await second.stop()
    await backupDocument({ from: new FileStore(dataDir), docId: "doc", file, existing: "replace" })
    expect(pagesChecksum((await copyFrom(file)).pages)).toBe(busy.local.base.checksum)
  })

  test("of a whole directory by hand is noticed by clients that had seen what is lost (T2, I5)", async () => {
    const first = await startServer({ path: "/lf-put-back" })
    const client = await startClient(first.url)
    await client.add("1").remote
    await first.stop()
    const copy = await temporaryDirectory()
    await cp(first.dataDir, copy, { recursive: true })
    const { dataDir, port, path } = first
    const second = await startServer({ dataDir, port, path })
    await client.add("2", "lost").remote
    await second.stop()
    await rm(dataDir, { recursive: true })
    await cp(copy, dataDir, { recursive: true })
    const third = await startServer({ dataDir, port, path })
    // As many changes as were lost: its position alone would say that the client has them all.
    await third.lf.document("doc", { as: "system" }).mutate(Add, { id: "3", title: "after" })
    await until(() => client.titles().join() === "1,after", "the client has the rows of the server")
  })

  test("makes a document where there was none, of a file that was edited with SQLite too", async () => {
    const { lf, dataDir } = await startServer()
    await lf.document("doc", { as: "system" }).mutate(Add, { id: "1", title: "one" })
    const file = join(await temporaryDirectory(), "doc.db")
    await backupDocument({ from: new FileStore(dataDir), docId: "doc", file })
    if (hasSqliteShell()) askSqliteShell(file, "insert into todos (id, title) values ('2', 'two'); vacuum")
    await lf.close()
    const restored = await restoreDocument({ dataDir, docId: "Copy", file })
    expect(restored.keptAt).toBe(null)
    const again = await startServer({ dataDir })
    const titles = await again.lf.document("Copy", { as: "system" }).query(titlesQuery)
    expect(titles.map(({ title }) => title)).toEqual(hasSqliteShell() ? ["one", "two"] : ["one"])
    expect(await again.lf.document("doc", { as: "system" }).query(titlesQuery)).toEqual([{ title: "one" }])
  })

  test("what is no sound database of a document is BACKUP_INVALID, and nothing changes", async () => {
    const { lf, dataDir } = await startServer()
    for (let i = 0; i < 200; i++) await lf.document("doc", { as: "system" }).mutate(Add, { id: `${i}`, title: "title" })
    await lf.close()
    const good = join(await temporaryDirectory(), "good.db")
    await backupDocument({ from: new FileStore(dataDir), docId: "doc", file: good })
    const names = await readdir(dataDir, { recursive: true })
    const damages: [string, (bytes: Buffer) => Uint8Array][] = [
      ["empty", () => new Uint8Array()],
      ["text", () => Buffer.alloc(3 * PAGE_BYTES, "text")],
      ["cut in a page", (bytes) => bytes.subarray(0, bytes.length - 100)],
      ["a page short", (bytes) => bytes.subarray(0, bytes.length - PAGE_BYTES)],
      ["another page size", (bytes) => put(bytes, 16, [0x20, 0])],
      ["in WAL mode", (bytes) => put(bytes, 18, [2, 2])],
      ["with auto_vacuum", (bytes) => put(bytes, 52, [0, 0, 0, 1])],
      ["in UTF-16", (bytes) => put(bytes, 56, [0, 0, 0, 2])],
      ["damaged in its schema", (bytes) => bytes.fill(0xff, 100, PAGE_BYTES)],
      ["damaged behind it", (bytes) => bytes.fill(0xa5, bytes.length - 2 * PAGE_BYTES)],
    ]
    for (const [what, damage] of damages) {
      const file = join(await temporaryDirectory(), "bad.db")
      await copyFile(good, file)
      await writeFile(file, damage(await readFile(file)))
      const restored = restoreDocument({ dataDir, docId: "doc", file })
      await expect(restored, what).rejects.toMatchObject({ code: "BACKUP_INVALID" })
    }
    const absent = restoreDocument({ dataDir, docId: "doc", file: join(dataDir, "absent.db") })
    await expect(absent).rejects.toMatchObject({ code: "BACKUP_INVALID" })
    const outside = restoreDocument({ dataDir, docId: "../x", file: good })
    await expect(outside).rejects.toMatchObject({ code: "DOC_ID_INVALID" })
    expect(await readdir(dataDir, { recursive: true })).toEqual(names)
  })

  test.runIf(hasSqliteShell())("a database that was never a document's is BACKUP_INVALID", async () => {
    const file = join(await temporaryDirectory(), "other.db")
    askSqliteShell(file, "create table t (x)")
    const restored = restoreDocument({ dataDir: await temporaryDirectory(), docId: "doc", file })
    await expect(restored).rejects.toMatchObject({ code: "BACKUP_INVALID" })
  })
})

function put(bytes: Buffer, at: number, values: readonly number[]): Buffer {
  bytes.set(values, at)
  return bytes
}
