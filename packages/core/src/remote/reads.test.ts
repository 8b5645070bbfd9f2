import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { Database } from "../sqlite/database.ts"
import { compileQuery, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { Reads } from "./reads.ts"

beforeAll(loadChecksum)

async function setUp() {
  const clock = new SimClock()
  const host = new SimHost(clock, new SeededRandom(1))
  return { host, clock, reads: new Reads(host), db: new Database(await loadSqlite(), new Storage()) }
}

test("a failing query rejects for its caller alone, with SQLite's reason", async () => {
  const { reads, db } = await setUp()
  const wrong = reads.add(compileQuery(sql`select * from nowhere`))
  const right = reads.add(compileQuery(sql`select 1 n`))
  expect(reads.answer(db, lsn(7))).toBe(false)
  await expect(wrong).rejects.toMatchObject({ code: "SQL_ERROR" })
  expect(await right).toMatchObject({ rows: [{ n: 1 }], lsn: 7 })
  db.close()
})

test("a slice answers at least one query, and returns whether more wait (H8)", async () => {
  const { host, reads, db } = await setUp()
  host.lookMs = 100
  const answers = [1, 2, 3].map((n) => reads.add(compileQuery(sql`select ${n} n`)))
  expect([
    reads.answer(db, lsn(7)),
    reads.answer(db, lsn(7)),
    reads.answer(db, lsn(7)),
    reads.answer(db, lsn(7)),
  ]).toEqual([true, true, false, false])
  expect((await Promise.all(answers)).map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
  db.close()
})

test("a document that stops rejects waiting queries, once (T19)", async () => {
  const { reads, db } = await setUp()
  const read = reads.add(compileQuery(sql`select 1`))
  reads.fail(Object.assign(new Error("stopped"), { code: "DOC_STOPPED" }) as never)
  await expect(read).rejects.toMatchObject({ code: "DOC_STOPPED" })
  expect(reads.answer(db, lsn(7))).toBe(false)
  db.close()
})
