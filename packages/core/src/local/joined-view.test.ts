import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { JoinedView, schemaNames } from "./joined-view.ts"
import { Local } from "./local.ts"
import type { PagesWatcher } from "./view.ts"

beforeAll(loadChecksum)

const any = { "~standard": { version: 1, vendor: "lf", validate: (value: unknown) => ({ value }) } } as const
const Add = defineMutation("Add", any, (tx, args) => {
  const [id, title] = String(args).split(":")
  tx.run(sql`insert into todos (id, title) values (${id}, ${title})`)
})
const migrations = [
  sql`create table todos (id text primary key, title text) strict`,
  sql`create virtual table found using fts5 (title)`,
]
const host = new SimHost(new SimClock(), new SeededRandom(1))

async function document(doc: string, ...more: ReturnType<typeof sql>[]) {
  const mutator = defineMutator({ migrations: [...migrations, ...more], mutations: [Add] })
  const opened = await new MemoryDisk().open(doc)
  return { doc, local: new Local({ opened, module: await loadSqlite(), mutator, host, user: null }) }
}

async function joined(...docs: string[]) {
  const documents = await Promise.all(docs.map((doc) => document(doc)))
  const view = new JoinedView({ module: await loadSqlite(), host, documents, onCrash: () => {} })
  const results: unknown[] = []
  const shown = (query: ReturnType<typeof sql>) => view.queries.listen(query, (result) => results.push(result))
  return { documents, view, results, shown, rows: (query: ReturnType<typeof sql>) => view.queries.run(query) }
}

const all = sql`select _doc, title from todos order by title`

describe("a query over several documents", () => {
  test("has the rows of all under a table's plain name, with their document; each table under its document's", async () => {
    const { documents, view, rows } = await joined("home", "work-1")
    const [home, work] = documents
    void home.local.run("Add", "1:bread")
    void work.local.run("Add", "1:deploy")
    expect(rows(all)).toEqual([
      { _doc: "home", title: "bread" },
      { _doc: "work-1", title: "deploy" },
    ])
    expect(rows(sql`select h.title a, w.title b from home.todos h join "work-1".todos w using (id)`)).toEqual([
      { a: "bread", b: "deploy" },
    ])
    view.close()
  })

  test("gathers a table whose name has to be quoted", async () => {
    const strange = sql`create table ${sql.id(`we"ird's`)} (n integer default 7) strict`
    const documents = await Promise.all(
      ["a", "b"].map((doc) => document(doc, strange, sql`insert into ${sql.id(`we"ird's`)} default values`)),
    )
    const view = new JoinedView({ module: await loadSqlite(), host, documents, onCrash: () => {} })
    expect(view.queries.run(sql`select _doc, n from ${sql.id(`we"ird's`)}`)).toEqual([
      { _doc: "a", n: 7 },
      { _doc: "b", n: 7 },
    ])
    view.close()
  })

  test("runs again if and only if a page that it read has changed, in whichever document", async () => {
    const { documents, view, shown, results } = await joined("a", "b")
    shown(all)
    shown(sql`select count(*) n from a.todos`)
    expect(results).toHaveLength(2)
    void documents[1].local.run("Add", "1:one")
    expect(results).toHaveLength(3)
    expect(results[2]).toMatchObject({ type: "patch" })
    const runs = view.queries.runs
    void documents[0].local.run("Add", "1:two")
    expect(view.queries.runs).toBe(runs + 2)
    expect(view.queries.run(all)).toHaveLength(2)
    view.close()
  })

  test("writes none of them, and sees nothing of lf's own tables", async () => {
    const { view, rows } = await joined("a", "b")
    for (const query of [sql`delete from a.todos`, sql`insert into todos values (1, 1, 1)`, sql`attach 'doc1' as x`])
      expect(() => rows(query)).toThrow(expect.objectContaining({ code: expect.stringMatching(/SQL_(DENIED|ERROR)/) }))
    expect(() => rows(sql`select * from a.__lf_mutations`)).toThrow(expect.objectContaining({ code: "SQL_DENIED" }))
    expect(() => rows(sql`select * from __lf_mutations`)).toThrow(expect.objectContaining({ code: "SQL_DENIED" }))
    view.close()
  })

  test("sees a schema that changed under it, also with an equal cookie (T16)", async () => {
    const one = await document("a")
    let { pages } = (await document("b")).local
    const swapped = { pageCount: () => pages.pageCount(), page: (pageNo: number) => pages.page(pageNo) }
    const watchers: PagesWatcher[] = []
    const local = {
      pages: { ...swapped, newPage: () => new Uint8Array(), write: () => {}, truncate: () => {} },
      watchPages: (watcher: PagesWatcher) => {
        watchers.push(watcher)
        return () => {}
      },
    }
    const documents = [one, { doc: "b", local }]
    const view = new JoinedView({ module: await loadSqlite(), host, documents, onCrash: () => {} })
    const results: { type: string }[] = []
    view.queries.listen(sql`select * from b.extra`, (result) => results.push(result))
    expect(results[0].type).toBe("error")
    pages = (await document("b", sql`create table extra (n integer) strict`)).local.pages
    watchers[0]({ changed: new Set(), isSchemaNew: true })
    expect(results[1]).toMatchObject({ type: "rows", rows: [] })
    view.close()
  })

  test("gets what is stopped or crashed as errors of its own", async () => {
    const { view, rows } = await joined("a", "b")
    const endless = sql`with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n, a.todos`
    expect(() => rows(endless)).toThrow(expect.objectContaining({ code: "SQL_LIMIT" }))
    view.close()
    view.close()
    await expect(view.queries.read(all)).rejects.toMatchObject({ code: "LOG_CLOSED" })
  })
})

test("a document is named by its id, or by its place where SQL has the name already", () => {
  expect(schemaNames(["a", "main", "A", "TEMP", "b"])).toEqual(["a", "d2", "d3", "d4", "b"])
})
