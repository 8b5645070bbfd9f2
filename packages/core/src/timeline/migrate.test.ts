import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { Database } from "../sqlite/database.ts"
import type { SqliteModule } from "../sqlite/module.ts"
import { type Sql, sql } from "../sqlite/sql.ts"
import { Storage } from "../storage/storage.ts"
import { sqliteLoader } from "../testing/sim-node.ts"
import { defineMutator } from "./mutator.ts"
import { hardenSchema, migrate } from "./schema.ts"

let load: () => Promise<SqliteModule>
beforeAll(async () => {
  await loadChecksum()
  load = await sqliteLoader()
})

/** A database that ran `first`, was filled by `rows`, and is then brought up to `first` and `then`. */
async function migrated(first: readonly Sql[], rows: readonly Sql[], ...then: readonly Sql[]) {
  const storage = new Storage()
  const db = new Database(await load(), storage)
  const up = (migrations: readonly Sql[]) => migrate(db, defineMutator({ migrations, mutations: [] }))
  up(first)
  db.exec("begin")
  for (const row of rows) db.run(row, "mutation")
  db.exec("commit")
  return { db, storage, run: () => up([...first, ...then]) }
}

function holds(storage: Storage, word: string): number {
  let pages = 0
  for (let pageNo = 1; pageNo <= storage.pageCount(); pageNo++) {
    const page = storage.page(pageNo)
    // FTS5 stores a term without the letters that it shares with the one before.
    if (page !== undefined && Buffer.from(page).includes(word.slice(2))) pages++
  }
  return pages
}

const parents = [
  sql`create table todos (id integer primary key, title text not null) strict`,
  sql`create table notes (id integer primary key, todo_id integer references todos (id) on delete cascade) strict`,
  sql`create table links (id integer primary key, todo_id integer references todos (id) on delete set null) strict`,
]
const filled = [
  sql`insert into todos select value, 'todo ' || value from (with recursive c(value) as (select 1 union all select value + 1 from c where value < 100) select value from c)`,
  sql`insert into notes select id, id from todos`,
  sql`insert into links select id, id from todos`,
]
const rebuild = [
  sql`create table todos_new (id integer primary key, title text not null, done integer not null default 0) strict`,
  sql`insert into todos_new (id, title) select id, title from todos`,
  sql`drop table todos`,
  sql`alter table todos_new rename to todos`,
]

describe("migrations", () => {
  test("SQLite's recipe to rebuild a table leaves the rows that refer to it alone (T33)", async () => {
    const { db, run } = await migrated(parents, filled, ...rebuild)
    run()
    const counts =
      "select (select count(*) from todos) t, (select count(*) from notes) n, (select count(todo_id) from links) l"
    expect(db.exec(counts)).toEqual([{ t: 100, n: 100, l: 100 }])
    expect(db.exec("pragma foreign_keys")).toEqual([{ foreign_keys: 1 }])
    expect(() => db.run(sql`insert into notes values (1000, 1000)`, "internal")).toThrow(/FOREIGN KEY/)
  })

  test("a rebuild that loses referenced rows is refused with their number (T33)", async () => {
    const [create, , drop, rename] = rebuild
    const some = sql`insert into todos_new (id, title) select id, title from todos where id <= 90`
    const { db, run } = await migrated(parents, filled, create, some, drop, rename)
    expect(run).toThrow(
      expect.objectContaining({ code: "MIGRATION_FAILED", message: expect.stringMatching(/10 rows of notes/) }),
    )
    expect(db.exec("select count(*) n from todos")).toEqual([{ n: 100 }])
    expect(db.exec("pragma foreign_keys")).toEqual([{ foreign_keys: 1 }])
  })

  test.each<[string, readonly Sql[], string]>([
    [
      "a trigger",
      [
        sql`create trigger t after insert on links begin delete from notes where id <= 7; end`,
        sql`insert into links values (1000, null)`,
      ],
      "notes has 93 rows after it and had 100",
    ],
    [
      "or replace",
      [sql`create unique index one_title on todos (title)`, sql`update or replace todos set title = 'same'`],
      "todos has 1 rows",
    ],
  ])("rows that go by %s are refused with their number", async (_how, then, said) => {
    const { db, run } = await migrated(parents, filled, ...then)
    expect(run).toThrow(expect.objectContaining({ code: "MIGRATION_FAILED", message: expect.stringContaining(said) }))
    expect(db.exec("select count(*) n from todos union all select count(*) from notes")).toEqual([
      { n: 100 },
      { n: 100 },
    ])
  })

  test("a migration may say delete, drop tables, analyze and index again", async () => {
    const { db, run } = await migrated(
      parents,
      filled,
      sql`delete from links where id > 50`,
      sql`drop table notes`,
      sql`delete from links where id > 50`,
      sql`analyze`,
      sql`reindex`,
    )
    run()
    expect(db.exec("select count(*) n from links")).toEqual([{ n: 50 }])
    expect(db.exec("select count(*) > 0 n from sqlite_stat1 where tbl = 'todos'")).toEqual([{ n: 1 }])
  })
})

describe("FTS5 tables (S12, T34)", () => {
  const spellings = [
    "create virtual table words using fts5(t)",
    "CREATE  VIRTUAL\n TABLE words USING FTS5 (t)",
    'create virtual table words using "fts5"(t)',
    "create virtual table words using [fts5](t)",
    "create virtual table/* using */words using/**/fts5(t)",
    "create virtual table if not exists words using 'fts5'(t)",
  ]
  test.each(spellings)("a deleted word is gone from the pages: %s", async (text) => {
    const { db, storage, run } = await migrated([], [], { sql: text, parameters: [] })
    run()
    db.exec("begin")
    for (let i = 0; i < 50; i++)
      db.run(sql`insert into words (t) values (${i === 25 ? "canaryword" : `other${i} words`})`, "mutation")
    db.exec("commit")
    expect(holds(storage, "canaryword")).toBeGreaterThan(0)
    db.run(sql`delete from words where t = 'canaryword'`, "mutation")
    expect(holds(storage, "canaryword")).toBe(0)
  })

  test.each([
    ["detail=none", "detail=none"],
    ["detail=none", "det = 'n'"],
    ["detail=none", 'DETAIL="none"'],
    ["contentless_delete=1", "content='', contentless_delete=1"],
    ["contentless_delete=1", "content='' , contentless_d = '1'"],
    ["contentless_delete=1", "content='', contentless_delete=1, contentless_unindexed=1"],
  ])("%s keeps deleted words and is refused, however it is written: %s", async (option, text) => {
    const { run } = await migrated([], [], {
      sql: `create virtual table words using fts5(t, "a ""b", ${text})`,
      parameters: [],
    })
    expect(run).toThrow(expect.objectContaining({ code: "MIGRATION_FAILED", message: expect.stringContaining(option) }))
  })

  test.each(["detail=column", "detail=full", "content=''", "tokenize='trigram'", "prefix='2 3'", "columnsize=0"])(
    "%s is taken",
    async (text) => {
      const { db, run } = await migrated([], [], {
        sql: `create virtual table words using fts5(t, ${text})`,
        parameters: [],
      })
      run()
      expect(db.exec("select v from words_config where k = 'secure-delete'")).toEqual([{ v: 1 }])
    },
  )

  test("fts5vocab reads such a table, and is none", async () => {
    const { db, run } = await migrated(
      [sql`create virtual table words using fts5(t)`],
      [sql`insert into words (t) values ('one two two')`],
      sql`create virtual table vocabulary using fts5vocab(words, row)`,
    )
    run()
    expect(db.all(sql`select term, cnt from vocabulary order by term`)).toEqual([
      { term: "one", cnt: 1 },
      { term: "two", cnt: 2 },
    ])
  })

  test("a table that older code did not recognise is hardened when the document is opened", async () => {
    const { db } = await migrated([], [])
    db.exec("create virtual table late using fts5(t)")
    expect(hardenSchema(db)).toBe(true)
    expect(hardenSchema(db)).toBe(false)
    expect(db.exec("select v from late_config where k = 'secure-delete'")).toEqual([{ v: 1 }])
  })
})
