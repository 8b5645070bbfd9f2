import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { defineMutation, defineMutator, isLfError, type Query, sql } from "@lf/core"
import { afterEach, describe, expect, test } from "vitest"
import { z } from "zod"
import { createLf } from "../create-lf.ts"
import { cleanUp, later, startClient, startServer, temporaryDirectory, until } from "../testing/fixture.ts"
import { backupDocument } from "./backup.ts"
import { exportDocument } from "./export.ts"
import { FileStore } from "./file-store.ts"
import { type ImportRowsOptions, importRows } from "./import-rows.ts"
import { openAtRest } from "./stored-documents.ts"

afterEach(cleanUp)

const Touch = defineMutation("Touch", z.string(), (tx, id) => {
  tx.run(sql`insert or ignore into lists (id, name) values (${id}, ${id})`)
})
const mutator = defineMutator({
  migrations: [
    sql`create table lists (id text primary key, name text not null unique) strict`,
    sql`create table todos (id integer primary key, list text references lists (id), title text not null default 'new',
      done integer not null default 0, photo blob, twice integer as (id * 2)) strict`,
    sql`create index todos_list on todos (list)`,
    sql`create virtual table todos_text using fts5(title, content='todos', content_rowid='id')`,
    sql`create trigger todos_added after insert on todos begin
      insert into todos_text (rowid, title) values (new.id, new.title); end`,
  ],
  mutations: [Touch],
})

function open(dataDir: string) {
  const lf = createLf({ mutator, dataDir, authenticate: () => null, authorize: () => true, handleSignals: false })
  later(() => lf.close())
  return lf
}

/** A data directory with one document that no server has open. */
async function stored() {
  const dataDir = await temporaryDirectory()
  const lf = open(dataDir)
  await lf.document("d", { as: "system" }).mutate(Touch, "inbox")
  await lf.close()
  return dataDir
}

async function query<R>(dataDir: string, query: Query<R>, doc = "d"): Promise<R[]> {
  const lf = open(dataDir)
  const rows = await lf.document(doc, { as: "system" }).query(query)
  await lf.close()
  return rows
}

/** Imports files with these contents, by their names. */
async function add(dataDir: string, files: Record<string, string>, options: Partial<ImportRowsOptions> = {}) {
  const directory = await temporaryDirectory()
  const paths = Object.keys(files).map((name) => join(directory, name))
  await Promise.all(Object.values(files).map((text, i) => writeFile(paths[i], text)))
  return await importRows({ dataDir, docId: "d", files: paths, ...options })
}

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "no refusal",
    (error: unknown) => (isLfError(error) ? `${error.code} ${error.message.replace(/^.*\//, "")}` : error),
  )
const count = sql<{ n: number }>`select (select count(*) from lists) + (select count(*) from todos) as n`

describe("rows are imported", () => {
  test("of JSON lines: nulls, defaults, booleans and bytes; triggers fill the search index", async () => {
    const dataDir = await stored()
    const text = [
      '{"id":1,"title":"milk","list":"inbox","done":true,"photo":"00ff"}',
      "",
      '{"id":2,"list":null}',
      '{"id":"3","title":"b\\nc"}',
    ].join("\r\n")
    expect(await add(dataDir, { "todos.jsonl": text })).toMatchObject({ rows: 3 })
    expect(await query(dataDir, sql`select id, list, title, done, photo, twice from todos order by id`)).toEqual([
      { id: 1, list: "inbox", title: "milk", done: 1, photo: Uint8Array.of(0, 255), twice: 2 },
      { id: 2, list: null, title: "new", done: 0, photo: null, twice: 4 },
      { id: 3, list: null, title: "b\nc", done: 0, photo: null, twice: 6 },
    ])
    expect(await query(dataDir, sql`select rowid from todos_text where todos_text match 'milk'`)).toEqual([
      { rowid: 1 },
    ])
  })

  test("of CSV: quotes, newlines in fields, empty fields as null, a mark of the byte order", async () => {
    const dataDir = await stored()
    const text = '\ufeffid,title,list,photo\r\n1,"say ""a"", b\nc",inbox,0a\r\n2,"",,\r\n3,z,,"ff"'
    expect(await add(dataDir, { "todos.csv": text })).toMatchObject({ rows: 3 })
    expect(await query(dataDir, sql`select id, title, list, photo from todos order by id`)).toEqual([
      { id: 1, title: 'say "a", b\nc', list: "inbox", photo: Uint8Array.of(10) },
      { id: 2, title: "", list: null, photo: null },
      { id: 3, title: "z", list: null, photo: Uint8Array.of(255) },
    ])
  })

  test("of several files at once, in any order: a row may refer to a later one", async () => {
    const dataDir = await stored()
    await add(dataDir, { "todos.csv": "id,list\n1,work\n", "lists.jsonl": '{"id":"work","name":"Work"}\n' })
    expect(await query(dataDir, sql`select list from todos`)).toEqual([{ list: "work" }])
  })

  test("of a SQLite file, such as an export, into another document with the tables of one", async () => {
    const dataDir = await stored()
    await add(dataDir, { "todos.csv": "id,title,list\n1,milk,inbox\n2,tea,inbox\n" })
    const file = join(await temporaryDirectory(), "plain.db")
    await exportDocument({ from: new FileStore(dataDir), docId: "d", file })
    expect(await importRows({ dataDir, docId: "copy", files: [file], like: "d" })).toMatchObject({ rows: 3 })
    const all = sql`select title, name from todos join lists on lists.id = list order by title`
    expect(await query(dataDir, all, "copy")).toEqual(await query(dataDir, all, "d"))
    expect(await query(dataDir, sql`select rowid from todos_text where todos_text match 'tea'`, "copy")).toEqual([
      { rowid: 2 },
    ])
  })

  test("and the document goes on: its mutations, its epoch, its clients' cursors", async () => {
    const dataDir = await stored()
    await add(dataDir, { "lists.csv": "id,name\nwork,Work\n" })
    const lf = open(dataDir)
    const document = lf.document("d", { as: "system" })
    expect(await document.lsn()).toBeGreaterThan(2)
    expect(await document.mutate(Touch, "home")).toMatchObject({ type: "applied" })
    expect(await document.query(sql`select id from lists order by id`)).toEqual([
      { id: "home" },
      { id: "inbox" },
      { id: "work" },
    ])
  })
})

test("a SQLite file is read to its end, also where a column is called rowid or there is none", async () => {
  const dataDir = await temporaryDirectory()
  const tables = [
    sql`create table a (rowid text, n integer) strict`,
    sql`create table b (k text primary key, n integer) strict, without rowid`,
  ]
  const Fill = defineMutation("Fill", z.null(), (tx) => {
    const numbers = sql`with recursive c (n) as (select 1 union all select n + 1 from c where n < 12000)`
    tx.run(sql`insert into a ${numbers} select 'x', n from c`)
    tx.run(sql`insert into b ${numbers} select n, n from c`)
  })
  const lf = createLf({
    mutator: defineMutator({ migrations: tables, mutations: [Fill] }),
    dataDir,
    authenticate: () => null,
    authorize: () => true,
    handleSignals: false,
  })
  await lf.document("d", { as: "system" }).mutate(Fill, null)
  await lf.close()
  const file = join(await temporaryDirectory(), "d.db")
  await exportDocument({ from: new FileStore(dataDir), docId: "d", file })
  const progress: number[] = []
  const onProgress = (rows: number) => void progress.push(rows)
  expect(await importRows({ dataDir, docId: "e", files: [file], like: "d", onProgress })).toMatchObject({
    rows: 24_000,
  })
  expect(progress).toEqual([10_000, 20_000])
  const document = await openAtRest(new FileStore(dataDir), "e")
  const sums = sql`select (select sum(n) from a where rowid = 'x') as a, (select sum(n) from b) as b`
  expect(document.query(sums)).toEqual([{ a: 72_006_000, b: 72_006_000 }])
  document.close()
})

test("a client gets imported rows as pages, and its pending mutations go on", async () => {
  const before = await startServer()
  const client = await startClient(before.url, { docId: "d" })
  await client.add("1").remote
  await before.stop()
  client.add("2")
  await add(before.dataDir, { "todos.jsonl": '{"id":"0","title":"imported"}' })
  const { dataDir, path, port } = before
  await startServer({ dataDir, path, port })
  client.session.poke()
  await until(() => client.local.pendingCount === 0 && client.titles().length === 3, "the rows are there")
  expect(client.titles()).toEqual(["imported", "1", "2"])
})

describe("nothing is kept of an import with", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["a key that is there twice", { "lists.csv": "id,name\na,A\nb,B\na,C\n" }, /csv, line 4: UNIQUE.*lists\.id$/],
    ["a key of a row that was there", { "lists.jsonl": '{"id":"x","name":"inbox"}' }, /line 1: UNIQUE.*lists\.name$/],
    ["a value of another type", { "todos.csv": "id,done\n1,0\n2,no\n" }, /line 3: cannot store TEXT.*todos\.done$/],
    ["null where none may be", { "todos.jsonl": '{"id":1,"title":null}' }, /line 1: NOT NULL.*todos\.title$/],
    [
      "a row that refers to none",
      { "todos.csv": "id,list\n1,inbox\n2,no\n3,no" },
      /line 3: it refers to a row of lists/,
    ],
    ["an unknown table", { "notes.csv": "id\n1\n" }, /expected a table of the document \(lists, todos/],
    ["our own table", { "__lf_mutations.csv": "client_id\n1\n" }, /expected a table of the document/],
    [
      "an unknown column",
      { "lists.csv": "id,nome\na,A\n" },
      /line 1: expected columns of the table \(id, name\), got "nome"/,
    ],
    ["a generated column", { "todos.jsonl": '{"id":1,"twice":2}' }, /line 1: expected columns.*got "twice"/],
    ["too few fields", { "lists.csv": 'id,name\n"a\n",A\nb\n' }, /line 4: expected 2 fields, got 1/],
    ["an open quote", { "lists.csv": 'id,name\na,"A\nb,B\n' }, /line 2: expected a closing quote/],
    ["text after a quote", { "lists.csv": 'id,name\n"a"b,A\n' }, /line 2: expected a comma after a closing quote/],
    ["a quote within a field", { "lists.csv": 'id,name\na"",A\n' }, /line 2: expected a quote at the beginning/],
    ["no header", { "lists.csv": "" }, /line 1: expected a line with the names/],
    ["no JSON", { "lists.jsonl": '{"id":"a","name":"A"}\n{id}\n' }, /line 2: expected one JSON object per line/],
    ["a list for a row", { "lists.jsonl": "[]" }, /line 1: expected one JSON object per line/],
    ["an object for a value", { "lists.jsonl": '{"id":{}}' }, /line 1: expected null, a number.*got an object/],
    ["bytes that are none", { "todos.jsonl": '{"id":1,"photo":"xyz"}' }, /line 1: expected hexadecimal text/],
    ["another kind of file", { "todos.xml": "<a/>" }, /expected a SQLite file, \.jsonl/],
    [
      "a file that only calls itself SQLite",
      { "a.db": `SQLite format 3\0${"x".repeat(5000)}` },
      /cannot be imported: /,
    ],
  ])("%s", async (_what, files, said) => {
    const dataDir = await stored()
    // A sound file before it: of that nothing is kept either.
    const refused = await refusal(add(dataDir, { "todos.ndjson": '{"id":99}', ...files }))
    expect(refused).toMatch(/^IMPORT_INVALID /)
    expect(refused).toMatch(said)
    expect(await query(dataDir, count)).toEqual([{ n: 1 }])
  })

  test("bytes that are no UTF-8, no file at all, or a document that has WAL", async () => {
    const dataDir = await stored()
    const directory = await temporaryDirectory()
    const file = join(directory, "lists.csv")
    await writeFile(file, Buffer.from([0x69, 0x64, 0x0a, 0xff, 0x0a]))
    const importing = (path: string) => refusal(importRows({ dataDir, docId: "d", files: [path] }))
    expect(await importing(file)).toMatch(/^IMPORT_INVALID .*expected UTF-8/)
    expect(await importing(join(directory, "none.csv"))).toMatch(/^IMPORT_INVALID .*cannot be read/)
    const backup = join(directory, "backup.db")
    await backupDocument({ from: new FileStore(dataDir), docId: "d", file: backup })
    const { readFile } = await import("node:fs/promises")
    const bytes = await readFile(backup)
    bytes[18] = 2
    bytes[19] = 2
    await writeFile(backup, bytes)
    expect(await importing(backup)).toMatch(/^IMPORT_INVALID .*WAL/)
  })

  test("more rows than the document has room for", async () => {
    const dataDir = await stored()
    const text = Array.from({ length: 300 }, (_, i) => `${i},${"x".repeat(1000)}`).join("\n")
    const refused = await refusal(add(dataDir, { "todos.csv": `id,title\n${text}` }, { pagesMax: 60 }))
    expect(refused).toMatch(/^DOC_TOO_LARGE expected at most 60 pages/)
    expect(await query(dataDir, count)).toEqual([{ n: 1 }])
  })

  test("a missing document, one to be made that is there, and a server that runs", async () => {
    const dataDir = await stored()
    const files = { "lists.csv": "id,name\na,A\n" }
    expect(await refusal(add(dataDir, files, { docId: "none" }))).toMatch(/^DOC_NOT_FOUND .*--like/)
    expect(await refusal(add(dataDir, files, { docId: "new", like: "none" }))).toMatch(/^DOC_NOT_FOUND /)
    expect(await refusal(add(dataDir, files, { like: "d" }))).toMatch(/^IMPORT_INVALID .*new document/)
    expect(await refusal(add(dataDir, { "lists.csv": "id\na\n" }, { docId: "new", like: "d" }))).toMatch(/NOT NULL/)
    const lf = open(dataDir)
    await lf.document("d", { as: "system" }).query(count)
    expect(await refusal(add(dataDir, files))).toMatch(/^SERVER_DIRECTORY_OWNED /)
    expect(await readdir(join(dataDir, "docs"))).toEqual(["d"])
  })
})
