import fc from "fast-check"
import { beforeAll, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { type Changeset, changesetCodec, DOCUMENT_PAGES_MAX } from "./changeset.ts"
import { applyDelta, encodeDelta, encodeWhole } from "./delta.ts"
import { PageTable } from "./page-table.ts"
import { Storage } from "./storage.ts"

beforeAll(loadChecksum)

const page = (fill: (i: number) => number) => Uint8Array.from({ length: PAGE_BYTES }, (_, i) => fill(i))

test("a delta turns the old page into the new one", () => {
  const edits = fc.array(fc.tuple(fc.nat(PAGE_BYTES - 1), fc.nat(255)), { maxLength: 200 })
  fc.assert(
    fc.property(fc.nat(255), edits, (seed, changes) => {
      const before = page((i) => (i * seed) & 0xff)
      const after = before.slice()
      for (const [at, value] of changes) after[at] = value
      expect(applyDelta(before, encodeDelta(before, after))).toEqual(after)
      expect(applyDelta(undefined, encodeDelta(undefined, after))).toEqual(after)
      expect(applyDelta(undefined, encodeWhole(after))).toEqual(after)
    }),
  )
})

test("a page whose bytes moved is sent as copies, in a fraction of its size", () => {
  fc.assert(
    fc.property(fc.nat(4000), fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(200), (at, bytes, seed) => {
      const before = page((i) => (Math.imul(i + seed, 2_654_435_761) >>> 13) & 0xff)
      const after = new Uint8Array(PAGE_BYTES)
      const end = Math.min(PAGE_BYTES, at + bytes.length)
      after.set(before.subarray(0, at))
      after.set(bytes.subarray(0, end - at), at)
      after.set(before.subarray(at, PAGE_BYTES - (end - at)), end)
      const delta = encodeDelta(before, after)
      expect(applyDelta(before, delta)).toEqual(after)
      expect(delta.length).toBeLessThan(bytes.length + 60)
    }),
  )
})

test("hostile deltas are refused with BYTES_MALFORMED and nothing else (S9, S10)", () => {
  const before = page(() => 1)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        expect(applyDelta(before, bytes).length).toBe(PAGE_BYTES)
      } catch (error) {
        expect((error as { code?: string }).code).toBe("BYTES_MALFORMED")
      }
    }),
    { numRuns: 2000 },
  )
})

test("each kind of delta without its old page, of another size or past the page is refused (S9)", () => {
  const before = page(() => 1)
  const bomb = encodeWhole(new Uint8Array(PAGE_BYTES * 2))
  const bad: [Uint8Array | undefined, number[]][] = [
    [undefined, [0]],
    [undefined, [3]],
    [before, [9]],
    [before, [0, 0x80, 0x20, 1, 7]],
    [before, [1, ...Array(PAGE_BYTES + 65).fill(0)]],
    [before, [2, 1]],
    [before, [3, 0, 0, 0]],
    [before, [3, 0, 9, 1]],
    [before, Array.from(bomb)],
  ]
  for (const [old, bytes] of bad)
    expect(() => applyDelta(old, Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: "BYTES_MALFORMED" }))
})

test("a page that does not compress travels as it is", () => {
  const noise = page((i) => (Math.imul(i, 2_654_435_761) >>> 13) & 0xff)
  const random = new SeededRandom(1).bytes(PAGE_BYTES)
  expect(encodeWhole(random).length).toBe(PAGE_BYTES + 1)
  expect(applyDelta(noise, encodeDelta(noise, random))).toEqual(random)
})

test("a long delta is taken where the page itself would be longer", () => {
  const before = new SeededRandom(1).bytes(PAGE_BYTES)
  const after = before.slice()
  after.set(new SeededRandom(2).bytes(600), 100)
  const delta = encodeDelta(before, after)
  expect([delta.length > 600, delta.length < 700]).toEqual([true, true])
  expect(applyDelta(before, delta)).toEqual(after)
})

test("a delta that was made before its page was written again, or reverted, is not taken", () => {
  const filled = (byte: number) => page(() => byte)
  const storage = new Storage([filled(1), filled(2)])
  storage.write(1, filled(3))
  storage.write(2, filled(4))
  expect([...storage.encodeOverlay()].length).toBe(2)
  storage.write(1, filled(5))
  const replica = new Storage([filled(1), filled(2)])
  const changeset = storage.commit()
  if (changeset !== null) replica.receive(changeset)
  expect([replica.checksum, replica.page(1)]).toEqual([storage.checksum, filled(5)])
  storage.write(1, filled(6))
  expect([...storage.encodeOverlay()].length).toBe(1)
  storage.revert()
  expect([storage.overlayPages, storage.commit()]).toEqual([0, null])
  storage.write(2, filled(4))
  expect([...storage.encodeOverlay()]).toEqual([])
})

test("an unwritten page is one of zeros, here and at a replica", () => {
  const source = new Storage([page(() => 1)])
  const replica = new Storage([page(() => 1)])
  source.write(
    3,
    page(() => 3),
  )
  expect(source.page(2)).toEqual(page(() => 0))
  const changeset = source.commit()
  if (changeset !== null) replica.receive(changeset)
  expect([...replica.snapshot()]).toEqual([page(() => 1), page(() => 0), page(() => 3)])
  expect([replica.checksum, replica.basePageCount]).toEqual([source.checksum, 3])
})

test("the page behind the last one that a document may have is refused (T17)", () => {
  const storage = new Storage()
  const write = () =>
    storage.write(
      DOCUMENT_PAGES_MAX + 1,
      page(() => 1),
    )
  expect(write).toThrow(expect.objectContaining({ code: "DOC_TOO_LARGE" }))
  expect(storage.pageCount()).toBe(0)
})

test("a replica that receives every changeset has the same pages, count and checksum (I5)", async () => {
  const module = await loadSqlite()
  const source = new Storage()
  const db = new Database(module, source)
  const replica = new Storage()
  const sync = () => {
    const changeset = source.commit()
    if (changeset !== null) replica.receive(changesetCodec.decode(changesetCodec.encode(changeset)))
    expect(replica.checksum).toBe(source.checksum)
    expect([...replica.snapshot()]).toEqual([...source.snapshot()])
  }
  db.exec("create table t(id integer primary key, v text) strict")
  sync()
  for (let i = 0; i < 300; i++) db.run(sql`insert into t(v) values (${"x".repeat((i * 37) % 3000)})`, "internal")
  sync()
  db.exec("delete from t where id % 3 = 0")
  sync()
  db.exec("delete from t")
  db.exec("vacuum")
  sync()
  expect(db.exec("pragma integrity_check")).toEqual([{ integrity_check: "ok" }])
})

test("a changeset for other pages is refused and changes nothing", () => {
  const storage = new Storage([page(() => 1)])
  const wrong: Changeset = { pageCount: 1, isWhole: false, before: 1n, after: 2n, pages: [] }
  expect(() => storage.receive(wrong)).toThrow(expect.objectContaining({ code: "CHECKSUM_MISMATCH" }))
  const other = { ...wrong, before: storage.checksum, pages: [{ pageNo: 1, deltas: [encodeWhole(page(() => 2))] }] }
  expect(() => storage.receive(other)).toThrow(expect.objectContaining({ code: "CHECKSUM_MISMATCH" }))
  expect(storage.page(1)).toEqual(page(() => 1))
})

test("pages that come under an empty base are changes too", async () => {
  const source = new Storage()
  new Database(await loadSqlite(), source).exec("create table a(v)")
  const changeset = source.commit()
  const replica = new Storage()
  if (changeset !== null) replica.receive(changeset)
  expect([...replica.takeChanges()]).toEqual([1, 2])
})

test("revert drops pending pages, and takeChanges names only pages whose content differs", async () => {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  db.exec("create table a(v) ")
  db.exec("create table b(v) ")
  storage.commit()
  storage.takeChanges()
  db.exec("insert into b values (1)")
  expect([...storage.takeChanges()]).toEqual([3])
  storage.revert()
  db.resetCache()
  expect(db.exec("select * from b")).toEqual([])
  expect([...storage.takeChanges()]).toEqual([3])
  db.exec("insert into b values (1)")
  storage.revert()
  db.resetCache()
  expect([...storage.takeChanges()]).toEqual([])
})

test("a whole base takes the place of a larger or smaller one, and names the pages that differ", () => {
  const fills = (storage: Storage) => Array.from(storage.snapshot(), ([fill]) => fill)
  const replace = (storage: Storage, ...fillsAfter: number[]) => {
    const table = new PageTable()
    table.load(fillsAfter.map((fill) => page(() => fill)))
    storage.replaceBase({ table, pageCount: table.pageCount, checksum: table.checksum })
    return [fills(storage), [...storage.takeChanges()]]
  }
  const storage = new Storage()
  expect(replace(storage, 1, 2)).toEqual([
    [1, 2],
    [1, 2],
  ])
  expect(replace(storage, 1, 3, 4)).toEqual([
    [1, 3, 4],
    [2, 3],
  ])
  expect(replace(storage, 1)).toEqual([[1], [2, 3]])
  expect(storage.checksum).toBe(new Storage([page(() => 1)]).checksum)
})
