import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import { Storage } from "../storage/storage.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { pageOwners } from "./page-owners.ts"

beforeAll(loadChecksum)

async function filled() {
  const pages = new Storage()
  const db = new Database(await loadSqlite(), pages)
  db.exec("create table notes (id integer primary key, title text, body text)")
  db.exec("create index by_title on notes (title)")
  db.exec("create table marks (name text primary key, data blob) without rowid")
  const numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 600)"
  db.exec(`insert into notes ${numbers} select i, 'a title that is longer ' || i, hex(zeroblob(20)) from n`)
  db.exec("insert into notes values (10000, hex(zeroblob(3000)), hex(zeroblob(9000)))")
  db.exec("insert into marks values ('large', zeroblob(30000)), ('small', zeroblob(5))")
  return { db, pages }
}

const all = (pages: Storage) => new Set(Array.from({ length: pages.pageCount() }, (_, i) => i + 1))

/** The owner by another way: which pages a scan of the table or of the index reads. */
function readBy(db: Database, sql: string): number[] {
  return [...db.track({ sql, parameters: [] }).pages].filter((pageNo) => pageNo > 1)
}

describe("the owner of a page", () => {
  test("is found for every page of tables, indexes, tables without rowid and long values", async () => {
    const { db, pages } = await filled()
    const owners = pageOwners({ db, pages }, all(pages))
    expect(owners.size).toBe(pages.pageCount())
    expect(owners.get(1)).toEqual({ table: "sqlite_schema", index: null })
    const count = (table: string, index: string | null) =>
      [...owners.values()].filter((owner) => owner.table === table && owner.index === index).length
    expect([count("notes", null) > 10, count("notes", "by_title") > 5, count("marks", null)]).toEqual([true, true, 9])
  })

  test("is the tree that a query read the page for", async () => {
    const { db, pages } = await filled()
    const owners = pageOwners({ db, pages }, all(pages))
    const scans = [
      { sql: "select body from notes not indexed", table: "notes", index: null },
      { sql: "select title from notes indexed by by_title where title > ''", table: "notes", index: "by_title" },
      { sql: "select data from marks", table: "marks", index: null },
    ]
    for (const { sql, table, index } of scans) {
      const read = readBy(db, sql)
      expect(read.length).toBeGreaterThan(1)
      expect(new Set(read.map((pageNo) => JSON.stringify(owners.get(pageNo))))).toEqual(
        new Set([JSON.stringify({ table, index })]),
      )
    }
  })

  test("is unknown for a page of the freelist, and for one past the limit of the walk", async () => {
    const { db, pages } = await filled()
    const before = pageOwners({ db, pages }, all(pages))
    db.exec("delete from marks where name = 'large'")
    const after = pageOwners({ db, pages }, all(pages))
    const freed = [...before].filter(([pageNo]) => !after.has(pageNo))
    // 30,000 bytes on overflow pages of 4,092 each.
    expect(freed.length).toBe(8)
    expect(pageOwners({ db, pages }, all(pages), 3).size).toBe(3)
  })

  test("is looked for only as long as a page is missing", async () => {
    const { db, pages } = await filled()
    const looked: number[] = []
    const page = (pageNo: number) => {
      looked.push(pageNo)
      return pages.page(pageNo)
    }
    expect(pageOwners({ db, pages: { page } as Storage }, new Set([1])).size).toBe(1)
    expect(looked).toEqual([1])
  })

  test("is nothing for pages that hold no tree, whatever their bytes are", async () => {
    const { db } = await filled()
    for (const fill of [0, 2, 5, 10, 13, 255]) {
      const page = new Uint8Array(4096).fill(fill)
      const broken = { page: () => page } as unknown as Storage
      expect(pageOwners({ db, pages: broken }, new Set([9_999]), 500).size).toBe(0)
    }
  })
})
