import { beforeAll, expect, test } from "vitest"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { Database } from "./database.ts"
import { sql } from "./sql.ts"
import type { Row } from "./statement.ts"

let db: Database
beforeAll(async () => {
  db = new Database(await loadSqlite(), new Storage())
  db.exec("create table t (id integer primary key, a blob, b blob)")
})

const all = sql<Row>`select id, a, b from t order by id`
/** The rows now, and which of them are objects of `before`. */
function again(before: readonly Row[]) {
  const { rows } = db.track(all, before)
  expect(rows).toEqual(db.track(all).rows)
  return { rows, kept: rows.map((row) => before.indexOf(row)) }
}

test("rows that are equal are the same objects; what is inserted, changed or removed between them is read", () => {
  for (let id = 10; id <= 60; id += 10) db.exec("insert into t values (?, ?, ?)", id, `text ${id}`, id / 4)
  const first = again([]).rows
  expect(again(first).kept).toEqual([0, 1, 2, 3, 4, 5])
  db.exec("insert into t values (5, 'new', null)")
  const second = again(first)
  expect(second.kept).toEqual([-1, 0, 1, 2, 3, 4, 5])
  db.exec("update t set a = 'changed' where id = 20")
  db.exec("delete from t where id in (40, 50)")
  expect(again(second.rows).kept).toEqual([0, 1, -1, 3, 6])
  db.exec("delete from t")
})

test("a value is the same only if it is: types, letters beyond ASCII, lengths and large numbers", () => {
  const values = [
    null,
    0,
    1,
    -1.5,
    "1",
    "é",
    "Ã©",
    "",
    "a",
    "ab",
    2n ** 60n,
    Number.MAX_SAFE_INTEGER,
    new Uint8Array([1]),
  ]
  for (const before of values) {
    for (const after of values) {
      db.exec("delete from t")
      db.exec("insert into t values (1, ?, 'b')", before)
      const { rows } = db.track(all)
      db.exec("update t set a = ?", after)
      const { kept } = again(rows)
      if (before !== after) expect(kept).toEqual([-1])
    }
  }
})

test("rows of other columns are read anew", () => {
  db.exec("delete from t")
  db.exec("insert into t values (1, 'x', 'y')")
  const { rows } = db.track(all)
  expect(db.track(sql<Row>`select id, a from t`, rows).rows).toEqual([{ id: 1, a: "x" }])
  expect(db.track(sql<Row>`select id, a, b as c from t`, rows).rows).toEqual([{ id: 1, a: "x", c: "y" }])
})
