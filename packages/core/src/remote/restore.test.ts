import { beforeAll, describe, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { concatBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Database } from "../sqlite/database.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { DOCUMENT_PAGES_MAX } from "../storage/changeset.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { RemoteStore } from "./remote-store.ts"
import { pagesAtRest, readCopy, restoreCopy } from "./restore.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new SeededRandom(1))
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: "BACKUP_INVALID", message: expect.stringMatching(message) })

/** A file with a document's own tables, after `statements`. */
async function fileOf(...statements: string[]): Promise<Uint8Array> {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  db.exec("create table __lf_mutations (client_id text primary key, lsn integer, hash integer)")
  for (const statement of statements) db.exec(statement)
  storage.commit()
  return concatBytes([...storage.snapshot()])
}

const read = async (bytes: Uint8Array) => readCopy(await loadSqlite(), bytes)

describe("restore (S18)", () => {
  test("a copy becomes a document with a new epoch and each client's applied cursor (T2)", async () => {
    const bytes = await fileOf("insert into __lf_mutations values ('abc', 3, -1)")
    const copy = await read(bytes)
    expect(copy.applied).toEqual([{ clientId: "abc", lsn: 3, hash: 2n ** 64n - 1n }])
    const disk = new MemoryDisk()
    const { epoch } = await restoreCopy(await disk.open("d"), copy, host)
    const { log, ...stored } = await disk.open("d")
    expect(concatBytes(pagesAtRest(stored, host))).toEqual(bytes)
    await log.close()
    expect(new RemoteStore(await disk.open("d"), host).epoch).toBe(epoch)
  })

  test("a log that is in use is refused and closed", async () => {
    const copy = await read(await fileOf())
    const disk = new MemoryDisk()
    await restoreCopy(await disk.open("d"), copy, host)
    const used = await disk.open("d")
    await expect(restoreCopy(used, copy, host)).rejects.toMatchObject({ code: "LOG_FAILED" })
    const { log, checkpoint, records } = await disk.open("d")
    const entry = { ...records[0], stream: "s", lsn: lsn(1) }
    await expect(restoreCopy({ log, checkpoint: null, records: [entry] }, copy, host)).rejects.toMatchObject({
      code: "LOG_FAILED",
    })
    expect(checkpoint?.pages.length).toBe(copy.pages.length)
  })

  test("a file that is no document is BACKUP_INVALID, whatever its header (S9)", async () => {
    const bytes = await fileOf()
    const changed = (at: number, ...values: number[]) => {
      const copy = bytes.slice()
      copy.set(values, at)
      return copy
    }
    const many = DOCUMENT_PAGES_MAX + 1
    const wrong: [Uint8Array, RegExp][] = [
      [new Uint8Array(10), /expected a SQLite database/],
      [changed(0, 1), /expected a SQLite database/],
      [changed(16, 8, 0), /4096/],
      [changed(18, 2, 2), /WAL/],
      [changed(52, 0, 0, 0, 1), /auto_vacuum/],
      [changed(56, 0, 0, 0, 2), /UTF-8/],
      [changed(28, 0, 0, 0, 9), /the 9 pages of its header, got/],
      [changed(28, many >>> 24, many >>> 16, many >>> 8, many), /expected at most 262144 pages/],
      [changed(PAGE_BYTES, 99), /cannot be restored/],
      [await fileOf("insert into __lf_mutations values ('../x', 3, 1)"), /expected client ids/],
      [await fileOf("insert into __lf_mutations values ('abc', -3, 1)"), /cannot be restored/],
      [await fileOf("drop table __lf_mutations", "create table x (y)"), /__lf_mutations/],
    ]
    for (const [file, message] of wrong) await expect(read(file)).rejects.toThrow(invalid(message))
  })

  test("a file whose index misses a row is BACKUP_INVALID, with the reason (I16)", async () => {
    const bytes = await fileOf("create table t (a)", "create index i on t (a)", "insert into t values (7)")
    const whole = await read(bytes)
    const storage = new Storage(whole.pages)
    const db = new Database(await loadSqlite(), storage)
    const [{ rootpage }] = db.exec("select rootpage from sqlite_schema where name = 'i'")
    db.close()
    const empty = bytes.slice()
    const at = (Number(rootpage) - 1) * PAGE_BYTES
    empty.set([10, 0, 0, 0, 0, 16, 0, 0], at) // an index page without a cell
    await expect(read(empty)).rejects.toThrow(invalid(/it is damaged: .*(missing|wrong #)/))
  })

  test("a client id that is too long or has other characters is BACKUP_INVALID", async () => {
    for (const id of ["abc/../x", "a".repeat(65), ""])
      await expect(read(await fileOf(`insert into __lf_mutations values ('${id}', 3, 1)`))).rejects.toThrow(
        invalid(/expected client ids/),
      )
    const longest = "a".repeat(64)
    expect((await read(await fileOf(`insert into __lf_mutations values ('${longest}', 3, 1)`))).applied).toMatchObject([
      { clientId: longest },
    ])
  })

  test("restore returns the new epoch; a log with a checkpoint is refused", async () => {
    const copy = await read(await fileOf())
    const disk = new MemoryDisk()
    const { epoch } = await restoreCopy(await disk.open("d"), copy, host)
    expect(new RemoteStore(await disk.open("d"), host).epoch).toBe(epoch)
    const { log } = await new MemoryDisk().open("d")
    const checkpoint = { meta: new Uint8Array(0), pages: [] }
    await expect(restoreCopy({ log, checkpoint, records: [] }, copy, host)).rejects.toMatchObject({
      code: "LOG_FAILED",
    })
  })

  test("a cut first page is BACKUP_INVALID (S9)", async () => {
    const bytes = await fileOf()
    await expect(read(bytes.slice(0, PAGE_BYTES - 1))).rejects.toThrow(invalid(/expected a SQLite database/))
    await expect(read(bytes.slice(0, 100))).rejects.toThrow(invalid(/expected a SQLite database/))
  })
})
