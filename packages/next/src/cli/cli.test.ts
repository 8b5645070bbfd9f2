import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { bundle } from "../testing/bundle.ts"
import { Add, cleanUp, later, startServer, temporaryDirectory, titlesQuery } from "../testing/fixture.ts"

let program: string
let removeProgram = (): unknown => undefined
beforeAll(async () => {
  program = await bundle("cli/bin.ts", (undo) => {
    removeProgram = undo
  })
})
afterAll(() => removeProgram())
afterEach(cleanUp)

const run = promisify(execFile)

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `lf` with these words on a data directory. */
async function lf(dataDir: string, ...words: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(process.execPath, [program, ...words], {
      env: { ...process.env, LF_DATA_DIR: dataDir },
      // An app's directory, with no app in it but a test's own.
      cwd: existsSync(join(dataDir, "mutator.ts")) ? dataDir : tmpdir(),
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number } & Ended // what execFile rejects with
    return { code, stdout, stderr }
  }
}

async function withDocuments() {
  const server = await startServer()
  for (const id of ["b", "A"])
    for (const n of ["1", "2"])
      await server.lf.document(id, { as: "system" }).mutate(Add, { id: n, title: `${id} ${n}` })
  return server
}

describe("lf list, inspect, sql", () => {
  test("say what is there while a server has it open, and change nothing", async () => {
    const { dataDir } = await withDocuments()
    const before = await readdir(dataDir, { recursive: true })
    const list = await lf(dataDir, "list")
    expect(list.stdout).toMatch(/^A {2}\d+\.\d KiB {2}\d{4}-\d\d-\d\dT.*\nb {2}.*\n.*: 2 documents\n$/)
    const inspected = await lf(dataDir, "inspect", "A")
    expect(inspected.stdout).toMatch(
      /^A: \d+\.\d KiB, \d+ pages, \d+ of them free; 1 migration, \d clients?\ntodos {2}2 rows\n$/,
    )
    const rows = await lf(dataDir, "sql", "A", "select title, 9007199254740993 as n, x'ff' as x from todos order by id")
    expect(rows.stdout).toBe(
      '{"title":"A 1","n":"9007199254740993","x":"ff"}\n{"title":"A 2","n":"9007199254740993","x":"ff"}\n',
    )
    expect(await readdir(dataDir, { recursive: true })).toEqual(before)
  })

  test("an unknown document and bad SQL are a sentence with a code, and status 1", async () => {
    const { dataDir } = await withDocuments()
    for (const [words, said] of [
      [["inspect", "none"], /^lf inspect: DOC_NOT_FOUND: /],
      [["inspect", "../A"], /^lf inspect: DOC_ID_INVALID: /],
      [["sql", "A", "select * from nowhere"], /^lf sql: SQL_ERROR: .*nowhere/],
      [["sql", "A", "delete from todos"], /^lf sql: SQL_DENIED: /],
    ] as const) {
      const { code, stdout, stderr } = await lf(dataDir, ...words)
      expect([code, stdout]).toEqual([1, ""])
      expect(stderr).toMatch(said)
    }
  })

  test("a data directory that does not exist is said, and not made; a blank LF_DATA_DIR is the default", async () => {
    const { dataDir } = await withDocuments()
    const absent = join(dataDir, "absent")
    const { code, stderr } = await lf(absent, "list")
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^lf list: LOG_FAILED: expected a data directory, got /)])
    expect((await lf(absent, "reset")).stdout).toBe(`${absent}: no data here\n`)
    expect(existsSync(absent)).toBe(false)
    expect((await lf("", "list")).stderr).toMatch(/got .*\.lf, which is no existing directory/)
  })
})

test("lf doctor prints what is fine and what is to be done, and has status 1 for that", async () => {
  const { code, stdout } = await lf(await temporaryDirectory(), "doctor")
  expect(code).toBe(1)
  expect(stdout).toMatch(/^ok {4}Node \d+/)
  expect(stdout).toMatch(/\nfix {3}next\.config.*\n {6}export default withLf\(config\)/)
})

describe("lf delete", () => {
  test("deletes one document for good, said with --force, and not under a server", async () => {
    const { lf: server, dataDir } = await withDocuments()
    expect((await lf(dataDir, "delete", "A")).code).toBe(2)
    expect((await lf(dataDir, "delete", "A", "--force")).stderr).toMatch(/^lf delete: SERVER_DIRECTORY_OWNED/)
    await server.close()
    expect((await lf(dataDir, "delete", "A", "--force")).stdout).toBe("A: deleted\n")
    expect((await lf(dataDir, "delete", "A", "--force")).stderr).toMatch(/^lf delete: DOC_NOT_FOUND/)
    expect((await lf(dataDir, "list")).stdout).toMatch(/^b .*\n.*: 1 document\n$/)
  })
})

describe("lf export and import", () => {
  test("what one writes the other adds to another document, with its count", async () => {
    const { lf: server, dataDir } = await withDocuments()
    const file = join(await temporaryDirectory(), "todos.db")
    const exported = await lf(dataDir, "export", "A", file)
    expect(exported.stdout).toMatch(/todos\.db: the tables of document A, \d+ pages\n$/)
    expect((await lf(dataDir, "export", "A", file)).stderr).toMatch(/^lf export: BACKUP_EXISTS/)
    expect((await lf(dataDir, "export", "A", file, "--force")).code).toBe(0)
    expect((await lf(dataDir, "import", "b", file)).stderr).toMatch(/^lf import: SERVER_DIRECTORY_OWNED/)
    await server.close()
    expect((await lf(dataDir, "import", "b", file)).stdout).toMatch(
      /^document b: 2 rows more in \d+\.\d s, \d+ pages\n$/,
    )
    expect((await lf(dataDir, "import", "new", file, "--like", "A")).code).toBe(0)
    expect((await lf(dataDir, "sql", "new", "select count(*) as n from todos")).stdout).toBe('{"n":2}\n')
  })

  test("a first document gets the app's migrations, and the server goes on with it", async () => {
    const dataDir = await temporaryDirectory()
    await writeFile(
      join(dataDir, "mutator.ts"),
      'import { defineMutator, sql } from "@lf/core"\n' +
        "defineMutator({ migrations: [sql`create table todos (id text not null, title text not null, author text) strict`] })",
    )
    const file = join(dataDir, "todos.csv")
    await writeFile(file, "id,title\n1,one\n2,two\n")
    const words = ["import", "A", file, "--mutator", "mutator.ts"]
    const imported = await lf(dataDir, ...words)
    expect(imported.stdout).toMatch(/^document A: 2 rows more/)
    expect((await lf(dataDir, ...words)).stderr).toMatch(/^lf import: IMPORT_INVALID: expected a new document/)
    expect((await lf(dataDir, "import", "B", file, "--mutator", "none.ts")).stderr).toMatch(/TYPES_NO_MUTATOR/)
    const { lf: server } = await startServer({ dataDir })
    const document = server.document("A", { as: "system" })
    expect(await document.mutate(Add, { id: "3", title: "three" })).toMatchObject({ type: "applied" })
    expect(await document.query(titlesQuery)).toEqual([{ title: "one" }, { title: "two" }, { title: "three" }])
  })

  test("a row that does not fit is a sentence with its line, and status 1", async () => {
    const { lf: server, dataDir } = await withDocuments()
    await server.close()
    const file = join(await temporaryDirectory(), "some.csv")
    await writeFile(file, "id,title\n3,three\n4,\n")
    const { code, stdout, stderr } = await lf(dataDir, "import", "A", file, "--table", "todos")
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(
      /^lf import: IMPORT_INVALID: .*some\.csv, line 3: NOT NULL constraint failed: todos\.title\n$/,
    )
    expect((await lf(dataDir, "import", "A", file)).stderr).toMatch(/expected a table of the document \(todos\)/)
    expect((await lf(dataDir, "sql", "A", "select count(*) as n from todos")).stdout).toBe('{"n":2}\n')
  })
})

describe("lf types", () => {
  const mutator =
    'import { defineMutator, sql } from "@lf/core"\ndefineMutator({ migrations: [sql`create table a (b int)`] })'

  test("writes lf-types.d.ts; --check fails while it is old, and writes nothing", async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, "mutator.ts"), `${mutator}\nsql<"all">\`select b from a\``)
    const old = await lf(directory, "types", directory, "--check")
    expect([old.code, old.stdout]).toEqual([1, "lf-types.d.ts is not what the app's sql says: run lf types\n"])
    expect(await readdir(directory)).toEqual(["mutator.ts"])
    expect((await lf(directory, "types", directory)).stdout).toBe("lf-types.d.ts: 1 statements are sound\n")
    expect(await readFile(join(directory, "lf-types.d.ts"), "utf8")).toContain("all: { b: number | null }")
    expect((await lf(directory, "types", directory, "--check")).code).toBe(0)
  })

  test("a wrong column is file:line:column and status 1; nothing is written", async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, "mutator.ts"), `${mutator}\nsql\`select c from a\``)
    const { code, stdout } = await lf(directory, "types", directory)
    expect([code, stdout]).toEqual([1, "mutator.ts:3:12 no such column: c\n"])
    expect(await readdir(directory)).toEqual(["mutator.ts"])
    expect((await lf(await temporaryDirectory(), "types", await temporaryDirectory())).stderr).toMatch(
      /TYPES_NO_MUTATOR/,
    )
  })

  test("--watch runs again after a change, and ends with the process's signal", async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, "mutator.ts"), mutator)
    const child = spawn(process.execPath, [program, "types", directory, "--watch"])
    later(() => child.kill())
    let printed = ""
    child.stdout.on("data", (bytes) => {
      printed += bytes
    })
    await expect.poll(() => printed, { timeout: 10_000 }).toMatch(/0 statements are sound\n$/)
    await writeFile(join(directory, "page.ts"), 'import { sql } from "@lf/react"\nsql`select x from a`')
    await expect.poll(() => printed, { timeout: 10_000 }).toMatch(/page\.ts:2:12 no such column: x\n$/)
    child.kill("SIGINT")
    await once(child, "exit")
    expect(child.exitCode).toBe(0)
  })
})

test("wrong usage is the usage and status 2", async () => {
  const dataDir = await temporaryDirectory()
  for (const words of [
    [],
    ["toString"],
    ["list", "x"],
    ["list", "--force"],
    ["sql", "A"],
    ["--wrong"],
    ["reset", "x", "--data", "y"],
    ["import", "A"],
    ["export", "A", "x", "--table", "y"],
    ["list", "--like", "A"],
    ["types", "--check", "--watch"],
    ["import", "A", "x", "--like", "B", "--mutator", "C"],
  ]) {
    const { code, stdout, stderr } = await lf(dataDir, ...words)
    expect([words, code, stdout]).toEqual([words, 2, ""])
    expect(stderr).toMatch(/^usage: lf list/)
  }
  expect((await lf(dataDir, "--help")).code).toBe(0)
})
