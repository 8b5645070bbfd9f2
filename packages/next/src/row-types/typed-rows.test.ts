// The types that `lf types` writes, as the compiler takes them.
import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterEach, expect, test } from "vitest"
import { cleanUp, temporaryDirectory } from "../testing/fixture.ts"
import { writeTypes } from "./watch-types.ts"

afterEach(cleanUp)

const root = resolve(import.meta.dirname, "../../../..")
const run = promisify(execFile)

/** What the compiler says of the app's files. It reads the packages as they are compiled. */
async function compile(directory: string): Promise<string> {
  const config = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: "ES2023",
      module: "ESNext",
      moduleResolution: "bundler",
      types: [],
      paths: { "@lf/core": [join(root, "packages/core/dist/index.d.ts")] },
    },
    include: ["*.ts"],
  }
  await writeFile(join(directory, "tsconfig.json"), JSON.stringify(config))
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const { stdout } = await run(process.execPath, [tsc, "-p", directory]).catch((error: { stdout: string }) => error)
  return stdout
}

test("what is interpolated into a named statement has the type of what it meets", async () => {
  const directory = await temporaryDirectory()
  await writeFile(
    join(directory, "app.ts"),
    `import { defineMutator, sql, type SqlValue } from "@lf/core"
defineMutator({ migrations: [sql\`create table todos (id text primary key, done integer not null, note text, any any) strict\`], mutations: [] })
const newer = sql\`note > \${"a"}\`
export const find = (done: boolean, id: string, any: SqlValue) =>
  sql<"find">\`select id from todos where done = \${done} and id = \${id} and any = \${any} and \${newer}\`
export const add = (id: string, done: number) => sql<"add">\`insert into todos (id, done) values (\${id}, \${done})\`
// A bigint is an integer too; a fragment may stand for any value.
export const big = sql<"big">\`select id from todos where done = \${1n} and note = \${sql\`lower(\${"A"})\`}\`
// @ts-expect-error: done is a number
export const text = sql<"text">\`select id from todos where done = \${"0"}\`
// @ts-expect-error: id is a text
export const number = sql<"number">\`select id from todos where id = \${7}\`
// @ts-expect-error: done is never null
export const none = sql<"none">\`insert into todos (id, done) values (\${"a"}, \${null})\`
// One name for two statements takes what either takes.
export const one = sql<"either">\`select id from todos where done = \${1}\`
export const two = sql<"either">\`select id from todos where id = \${"a"}\`
// Without a name, and with a name that lf types has not seen, everything that can be bound is taken.
export const unnamed = sql<{ id: string }>\`select id from todos where done = \${"0"}\`
export const later = (text: string) => sql<"later">\`\${sql.id(text)} \${text} \${1}\`
`,
  )
  const { types } = await writeTypes({ appDir: directory })
  expect(types.problems).toEqual([
    expect.stringMatching(/^app\.ts:\d+:\d+ expected a statement that is known here, to name its rows and parameters$/),
  ])
  expect(types.declarations).toContain(`  interface QueryParameters {
    add: [string, number]
    big: [number | null, Sql]
    either: [number | null] | [string | null]
    find: [number | null, string | null, SqlValue, Sql]
    none: [string, number]
    number: [string | null]
    text: [number | null]
  }
`)
  await writeFile(join(directory, "lf-types.d.ts"), types.declarations)
  expect(await compile(directory)).toBe("")
})

test("rows of a named query and of a table have their columns; a wrong use does not compile", async () => {
  const directory = await temporaryDirectory()
  await writeFile(
    join(directory, "app.ts"),
    `import { defineMutator, sql, type Sql, type Tables } from "@lf/core"
defineMutator({ migrations: [sql\`create table todos (id text primary key, done integer not null, note text) strict\`], mutations: [] })
type RowOfQuery<Q> = Q extends Sql<infer R> ? R : never
const open = sql<"open">\`select id, note from todos where done = \${0}\`
export const row: RowOfQuery<typeof open> = { id: "a", note: null }
// @ts-expect-error: there is no such column
export const wrong: RowOfQuery<typeof open> = { id: "a", note: null, done: 1 }
// @ts-expect-error: id is a text
export const typed: RowOfQuery<typeof open> = { id: 1, note: null }
export const all: RowOfQuery<ReturnType<typeof sql<Tables["todos"]>>> = { id: "a", done: 1, note: "b" }
export const own: RowOfQuery<ReturnType<typeof sql<{ n: number }>>> = { n: 1 }
// A name that lf types has not seen yet compiles, with values of any kind.
export const later: RowOfQuery<ReturnType<typeof sql<"later">>> = { anything: 1 }
`,
  )
  const { types } = await writeTypes({ appDir: directory })
  expect(types.problems).toEqual([])
  expect(await compile(directory)).toBe("")
})
