import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { isLfError, sql } from "@lf/core"
import { loadChecksum, StatementProbe } from "@lf/core/internal"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { loadSqlite } from "../node/load-sqlite.ts"
import { cleanUp, later, temporaryDirectory } from "../testing/fixture.ts"
import { queryColumns } from "./query-columns.ts"
import { rowTypes } from "./row-types.ts"

afterEach(cleanUp)
beforeAll(loadChecksum)

const MUTATOR = `import { defineMutation, defineMutator, sql } from "@lf/core"
import { todosTable } from "./schema"
const AddTodo = defineMutation("AddTodo", schema, (tx, { id, title }) => {
  tx.run(sql\`insert into todos \${sql.values([{ id, title }])}\`)
})
export const mutator = defineMutator({
  migrations: [todosTable, sql\`create table lists (id integer primary key, name text not null) strict\`],
  mutations: [AddTodo],
})
`
const SCHEMA = `import { sql } from "@lf/core"
export const todosTable = sql\`create table todos (
  id text primary key, title text not null, note text, done integer not null default 0, list integer, photo blob, extra any
) strict\`
`

/** An app with these files, besides its mutator. */
async function app(files: Record<string, string> = {}): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [path, text] of Object.entries({ "lf/mutator.ts": MUTATOR, "lf/schema.ts": SCHEMA, ...files })) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  return directory
}

const page = (code: string) => ({ "app/page.tsx": `import { sql, useQuery } from "@lf/react"\n${code}\n` })
const problemsOf = async (code: string) => (await rowTypes(await app(page(code)))).problems

describe("lf-types.d.ts", () => {
  test("has the tables, and the rows of each query that has a name", async () => {
    const { declarations, problems, checkedCount } = await rowTypes(
      await app(
        page(`const open = (list: number) => sql<"openTodos">\`
          select t.id, title, note, l.name as list from todos t left join lists l on l.id = t.list where list = \${list}\`
        const counts = sql<"counts">\`select list, count(*) as "how many", max(title) as last from todos group by list\``),
      ),
    )
    expect(problems).toEqual([])
    expect(checkedCount).toBe(3)
    expect(declarations).toBe(`// Written by \`lf types\`: its next run replaces it.
import type { SqlValue } from "@lf/core"

declare module "@lf/core" {
  interface Tables {
    lists: { id: number; name: string }
    todos: { id: string; title: string; note: string | null; done: number; list: number | null; photo: Uint8Array | null; extra: SqlValue }
  }
  interface QueryRows {
    counts: { list: number | null; "how many": number; last: string | null }
    openTodos: { id: string; title: string; note: string | null; list: string | null }
  }
  interface QueryParameters {
    counts: []
    openTodos: [number | null]
  }
}
`)
  })

  test("knows _doc of queries over several documents, and the user's own tables", async () => {
    const { declarations, problems } = await rowTypes(
      await app(
        page(`sql<"everywhere">\`select t._doc, t.title, own.lists.name from todos t join own.lists on own.lists.id = t.list\`
        sql\`select absent from own.lists\``),
      ),
    )
    expect(declarations).toContain("everywhere: { _doc: string; title: string; name: string }")
    expect(declarations).not.toContain("list: number | null; _doc")
    expect(problems).toEqual(["app/page.tsx:3:20 no such column: absent"])
  })

  test("takes a name twice for equal rows, and not for others", async () => {
    const first = 'const a = sql<"q">`select id from todos`\n'
    expect(await problemsOf(`${first}const b = sql<"q">\`select id from todos where done = 1\``)).toEqual([])
    expect(await problemsOf(`${first}const b = sql<"q">\`select title from todos\``)).toEqual([
      'app/page.tsx:3:15 expected "q" for one kind of rows, got others at app/page.tsx:2:15',
    ])
  })
})

describe("a statement that SQLite refuses is a problem at its place", () => {
  test.each([
    ["a wrong column", "sql`select titel from todos`", "2:12 no such column: titel"],
    ["a wrong table, on a later line", "sql`select *\n  from todo`", "3:8 no such table: todo"],
    ["wrong syntax", "sql`select * form todos`", '2:14 near "form": syntax error'],
    [
      "a wrong column of an insert",
      "sql`insert into todos (id, nam) values (1, 2)`",
      "2:28 table todos has no column named nam",
    ],
    ["a wrong key of sql.set", `sql\`update todos set \${sql.set({ titel })}\``, "2:1 no such column: titel"],
    ["two statements", "sql`select 1; select 2`", "2:1 expected one statement, got more: call once for each"],
    ["a fragment", `const w = sql\`dnoe = 1\`\nsql\`select id from todos where \${w}\``, "2:15 no such column: dnoe"],
    [
      "a part of sql.and",
      `sql\`select id from todos where \${sql.and([x && sql\`dnoe = \${x}\`])}\``,
      "2:52 no such column: dnoe",
    ],
    ["our own tables", "sql`delete from __lf_mutations`", "2:1 not authorized (__lf_mutations)"],
    [
      "a name for a fragment",
      'sql<"w">`done = 1`',
      "2:5 expected a statement that is known here, to name its rows and parameters",
    ],
  ])("%s", async (_what, code, problem) => {
    expect(await problemsOf(code)).toEqual([`app/page.tsx:${problem}`])
  })

  test("a migration among them", async () => {
    const schema = SCHEMA.replace("text primary key", "txt primary key")
    const { problems } = await rowTypes(await app({ "lf/schema.ts": schema }))
    expect(problems).toEqual([
      expect.stringMatching(/^lf\/schema\.ts:2:27 migration 0: unknown datatype for todos\.id/),
    ])
  })

  test("what is only known when it runs is counted, and no problem", async () => {
    const code = `sql\`select id from todos where \${where()}\`; sql\`select id from todos \${order}\`; sql\`select * from \${sql.id(t)}\``
    const { problems, dynamicCount } = await rowTypes(await app(page(code)))
    expect([problems, dynamicCount]).toEqual([[], 2])
  })

  test("other tags, comments and texts are left alone", async () => {
    const code = 'import { sql as other } from "kysely"\nother`select x`; "sql`select y`"\n// sql`select z`'
    expect(await problemsOf(code)).toEqual([])
  })
})

describe("a type of rows that the author wrote is compared with the query's columns", () => {
  test.each([
    [
      "a column that is not there",
      "sql<{ id: string; titel: string }>`select id, title from todos`",
      ['the query has no column "titel" (it has id, title)'],
    ],
    ["another type", "sql<{ id: number }>`select id from todos`", ['expected "id" as string, got number']],
    ["a boolean", "sql<{ done: boolean }>`select done from todos`", ['expected "done" as number, got boolean']],
    ["a literal type that fits", 'sql<{ done: 0 | 1; id: "a" | null }>`select id, done from todos`', []],
    ["fewer columns", "sql<{ id: string }>`select * from todos`", []],
    ["an expression of unknown type", "sql<{ n: string }>`select json_extract(note, '$') as n from todos`", []],
    ["a type of another package", 'import type { T } from "t"\nsql<T>`select id from todos`', []],
  ])("%s", async (_what, code, messages) => {
    const problems = await problemsOf(code)
    expect(problems.map((problem) => problem.replace(/^\S+ /, ""))).toEqual(messages)
  })

  test("also where the type is an interface of another file", async () => {
    const directory = await app({
      "lf/todo.ts": "export interface Todo { id: string; name: string }",
      "app/page.tsx":
        'import { sql } from "@lf/react"\nimport type { Todo } from "@/lf/todo"\nsql<Todo>`select * from todos`',
    })
    expect((await rowTypes(directory)).problems).toEqual([
      expect.stringMatching(/^app\/page\.tsx:3:5 .*no column "name"/),
    ])
  })
})

describe("the app's migrations", () => {
  test("may have undoLog among them", async () => {
    const mutator = `import { defineMutator, sql, undoLog } from "@lf/core"
      export const m = defineMutator({ migrations: [sql\`create table a (b int)\`, undoLog] })
      sql\`select b from a\``
    expect(await rowTypes(await app({ "lf/mutator.ts": mutator }))).toMatchObject({ problems: [], checkedCount: 1 })
  })

  const codeOf = (promise: Promise<unknown>) =>
    promise.catch((error: unknown) => (isLfError(error) ? `${error.code} ${error.message}` : error))

  test("of documents of a second kind are those of a folder with an lf-types.d.ts of its own", async () => {
    const notes = `import { defineMutator, sql } from "@lf/core"
      export const notes = defineMutator({ migrations: [sql\`create table notes (text text not null) strict\`], mutations: [] })
      export const all = sql\`select text from notes\``
    const directory = await app({ "notes/mutator.ts": notes, "notes/lf-types.d.ts": "" })
    expect((await rowTypes(directory)).problems).toEqual([])
    const { problems, declarations, checkedCount } = await rowTypes(join(directory, "notes"))
    expect([problems, checkedCount]).toEqual([[], 1])
    expect(declarations).toContain("notes: { text: string }")
    // Types that were written one folder deeper before: it is said why nothing is found.
    const above = await app({ "lf/lf-types.d.ts": "" })
    expect(await codeOf(rowTypes(above))).toMatch(/^TYPES_NO_MUTATOR .*found none: lf has an lf-types.d.ts of its own/)
  })

  test("of several mutators one is named; without one or with a list that runs there is a sentence", async () => {
    const directory = await app({ "other/mutator.ts": MUTATOR.replace("./schema", "../lf/schema") })
    expect(await codeOf(rowTypes(directory))).toMatch(/^TYPES_NO_MUTATOR .*lf\/mutator.ts:6:24, other\/mutator.ts:6:24/)
    expect((await rowTypes(directory, "./other/mutator.ts")).problems).toEqual([])
    expect(await codeOf(rowTypes(directory, "none.ts"))).toMatch(/^TYPES_NO_MUTATOR .*in none.ts, found none/)
    expect(await codeOf(rowTypes(join(directory, "none")))).toMatch(/^TYPES_NO_MUTATOR /)
    expect(await codeOf(rowTypes(await temporaryDirectory()))).toMatch(/^TYPES_NO_MUTATOR .*found none/)
    const made = await app({ "lf/mutator.ts": "export const m = defineMutator({ migrations: make() })" })
    expect(await codeOf(rowTypes(made))).toMatch(/^TYPES_NO_MUTATOR lf\/mutator.ts:1:46 expected the migrations/)
  })
})

describe("columns of a query", () => {
  async function columns(query: string): Promise<string> {
    const schema = [
      sql`create table todos (id text primary key, title text not null, note text, done integer not null, photo blob) strict`,
      sql`create table lists (id integer primary key, name text not null) strict`,
    ]
    const probe = new StatementProbe(await loadSqlite(), schema)
    later(() => probe.close())
    return queryColumns(probe, query)
      .map(({ name, base, isNullable }) => `${name} ${[...base].join("|")}${isNullable ? "?" : ""}`)
      .join(", ")
  }

  test.each([
    ["select * from todos", "id string, title string, note string?, done number, photo Uint8Array?"],
    [
      "select t.*, l.name n from lists l left join todos t on t.id = l.name",
      "id string?, title string?, note string?, done number?, photo Uint8Array?, n string",
    ],
    ["select count(*) c, max(title) m, title from todos", "c number, m string?, title string?"],
    ["select sum(done) s, total(done) t, group_concat(title) g from todos", "s number?, t number, g string?"],
    [
      "select title || note a, title || 'x' b, done + 1 c, done / 2 d from todos",
      "a string?, b string, c number, d number?",
    ],
    [
      "select coalesce(note, title) a, ifnull(note, null) b, lower(note) c, length(title) d from todos",
      "a string, b string?, c string?, d number",
    ],
    [
      "select case when done then title else 'no' end a, case done when 1 then 2 end b from todos",
      "a string, b number?",
    ],
    [
      "select exists (select 1) a, note is null b, (title) c, cast(note as integer) d from todos",
      "a number, b number, c string, d number?",
    ],
    ["select 1 a, 'x' b, null c, 1.5 d", "a number, b string, c ?, d number"],
    ["select id from todos union all select id from lists", "id string|number"],
    ["with a as (select title from todos) select a.title, l.id from a, lists l", "title string?, id number"],
    ["select a.id, b.id from lists a, todos b", "id string"],
    ["select row_number() over (order by title) n, lag(title) over (order by id) p from todos", "n number, p string?"],
    [
      "select distinct title -- , note\n, /* x */ done as from_ from todos where note = 'from' order by 1",
      "title string, from_ number",
    ],
    ["select max(1, 2) a, photo, json_extract(note, '$.a') j from todos", "a number?, photo Uint8Array?, j unknown?"],
    ["values (1, 'a')", "column1 unknown?, column2 unknown?"],
  ])("%s", async (query, expected) => {
    expect(await columns(query)).toBe(expected)
  })
})
