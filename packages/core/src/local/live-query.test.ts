import fc from "fast-check"
import { beforeAll, expect, test } from "vitest"
import { loadSqlite } from "../../../next/src/node/load-sqlite.ts"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { type Sql, sql } from "../sqlite/sql.ts"
import type { Row } from "../sqlite/statement.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { LiveQueries } from "./live-queries.ts"
import { patchRows } from "./row-patch.ts"

beforeAll(loadChecksum)

const host = () => new SimHost(new SimClock(), new SeededRandom(1))

const queries: Sql<unknown>[] = [
  sql`select * from todos where list = 3 order by id`,
  sql`select count(*) as n from todos`,
  sql`select list, sum(done) as d from todos group by list order by list`,
  sql`select t.id, l.name from todos t join lists l on l.id = t.list where l.id = 5 order by t.id`,
  sql`select rowid from words where words match 'apple' order by rowid`,
  sql`select max(id) as m from todos where done = 1`,
  sql`select * from audit order by n desc limit 3`,
  sql`select name from lists where id = 999`,
]

const text = fc.constantFrom("apple", "pear", "plum tree", "x".repeat(900))
const edit = fc.oneof(
  fc
    .tuple(fc.nat(400), fc.nat(9), text)
    .map(([id, list, word]) => [
      `insert or replace into todos values (${id}, ${list}, 0, '${word}')`,
      `insert or replace into words(rowid, word) values (${id}, '${word}')`,
    ]),
  fc.nat(400).map((id) => [`update todos set done = 1 - done where id = ${id}`]),
  fc.nat(400).map((id) => [`delete from todos where id = ${id}`, `delete from words where rowid = ${id}`]),
  fc.nat(9).map((id) => [`update lists set name = name || '!' where id = ${id}`]),
  fc.nat(9).map((list) => [`delete from todos where list = ${list}`]),
)

test("a live query never misses a change, be it a commit, a revert or a new base (I6)", async () => {
  const module = await loadSqlite()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(edit, fc.nat(5)), { minLength: 5, maxLength: 25 }), async (edits) => {
      const storage = new Storage()
      const db = new Database(module, storage)
      db.exec("create table lists (id integer primary key, name text)")
      db.exec(
        "create table todos (id integer primary key, list integer references lists (id), done integer, title text)",
      )
      db.exec("create index by_list on todos (list, id)")
      db.exec("create table audit (n integer primary key, what text)")
      db.exec("create trigger log after delete on todos begin insert into audit (what) values (old.title); end")
      db.exec("create virtual table words using fts5(word)")
      for (let i = 0; i < 10; i++) db.exec(`insert into lists values (${i}, 'l${i}')`)
      storage.commit()
      storage.takeChanges()
      const live = new LiveQueries({ db, host: host() })
      const views = new Map<Sql<unknown>, readonly Row[]>()
      for (const query of queries) {
        live.listen(query, (result) => {
          if (result.type === "rows") views.set(query, result.rows)
          if (result.type === "patch") views.set(query, patchRows(views.get(query) ?? [], result.patch))
        })
      }
      for (const [statements, action] of edits) {
        for (const statement of statements) db.exec(statement)
        if (action === 0) {
          storage.revert()
          db.resetCache()
        }
        if (action === 1) storage.commit()
        live.notify(storage.takeChanges())
        for (const query of queries) expect(views.get(query)).toEqual(db.all(query))
      }
      db.close()
    }),
    { numRuns: 25 },
  )
})

test("unrelated pages re-run nothing, and a query that is not used any more is forgotten", async () => {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  db.exec("create table a (id integer primary key, v text)")
  db.exec("create table b (id integer primary key, v text)")
  db.exec("insert into a values (1, 'x')")
  storage.takeChanges()
  const live = new LiveQueries({ db, host: host() })
  const { stop } = live.listen(sql`select * from a`, () => {})
  const { stop: stopToo } = live.listen(sql`select * from a`, () => {})
  expect(live.runs).toBe(1)
  db.exec("insert into b values (1, 'y')")
  live.notify(storage.takeChanges())
  expect(live.runs).toBe(1)
  db.exec("update a set v = 'z'")
  live.notify(storage.takeChanges())
  expect(live.runs).toBe(2)
  stop()
  stopToo()
  db.exec("update a set v = 'q'")
  live.notify(storage.takeChanges())
  expect(live.runs).toBe(2)
})
