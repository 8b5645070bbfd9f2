// What the commands of `lf` say of databases and directories that are missing, and leave as they are.
import { existsSync } from "node:fs"
import { mkdir, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { FileStore } from "../../next/src/documents/file-store.ts"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { addTo, cleanUp, mutator, temporaryDirectory } from "../../next/src/testing/fixture.ts"
import { STORE_VERSION } from "./schema.ts"
import { commandLine, namesIn } from "./testing/command-line.ts"
import { testServer } from "./testing/server.ts"

const server = testServer()
afterEach(cleanUp)

describe("what is not there", () => {
  test("is not made by a command that reads: no directory, no file in another one, and no tables of a database", async () => {
    const parent = await temporaryDirectory()
    const [typo, file, plain] = [join(parent, "typo"), join(parent, "file"), join(parent, "plain")]
    await writeFile(file, "")
    await mkdir(plain)
    await writeFile(join(plain, "todos.csv"), "id,title\n3,three\n")
    const { connectionString, query } = await server.makeDatabase()
    const lf = await commandLine({ LF_DATABASE_URL: connectionString })
    const rows = join(plain, "todos.csv")
    const reading = [["list"], ["inspect", "a"], ["sql", "a", "select 1"], ["backup", "a", join(parent, "a.db")]]
    reading.push(["export", "a", join(parent, "a.db")], ["delete", "a", "--force"], ["import", "a", rows])
    reading.push(["import", "b", rows, "--like", "a"])
    const before = await namesIn(parent)
    const lines = [
      ...[...reading, ["copy-to-database"]].map((words) => [...words, "--data", typo]),
      ...[file, plain].map((dataDir) => ["list", "--data", dataDir]),
    ]
    const said = new RegExp(
      `LOG_FAILED: expected a data directory, got ${parent}/\\w+, which .*: set --data or LF_DATA_DIR\n$`,
    )
    for (const words of lines) {
      const { code, text } = await lf(words)
      expect([words, code, text]).toEqual([words, 1, expect.stringMatching(said)])
    }
    for (const words of [...reading, ["copy-to-directory", "--data", typo]]) {
      const { code, text } = await lf(words)
      const missing =
        /LOG_FAILED: expected documents in postgres:\/\/127\.\S+, got a database without tables of lf: set LF_DATABASE_URL/
      expect([words, code, text]).toEqual([words, 1, expect.stringMatching(missing)])
    }
    expect(await namesIn(parent)).toEqual(before)
    expect(await query("select from pg_namespace where nspname = 'lf'")).toEqual([])
  }, 120_000)

  test("is no LF_DATABASE_URL of blanks; blanks around and between databases mean nothing", async () => {
    const [one, two] = [await server.makeDatabase(), await server.makeDatabase()]
    const dataDir = await temporaryDirectory()
    const rooms = new Rooms({ store: new FileStore(dataDir), mutator })
    await addTo(rooms, "a", "1")
    await rooms.close()
    const lf = await commandLine({ LF_DATA_DIR: dataDir })
    const blank = { LF_DATABASE_URL: " \n" }
    expect((await lf(["list"], blank)).text).toMatch(/^a .*\n.*: 1 document\n$/)
    expect((await lf(["migrate-store"], blank)).text).toMatch(/LOG_FAILED: expected LF_DATABASE_URL/)
    const spaced = { LF_DATABASE_URL: `\n ${one.connectionString}  ${two.connectionString} \n` }
    expect((await lf(["migrate-store"], spaced)).text).toBe(`the store: from version 0 to ${STORE_VERSION}\n`)
    expect((await lf(["reset"], spaced)).code).toBe(1)
    expect((await lf(["reset"], blank)).text).toBe(`${dataDir}: deleted 1 document\n`)
    // As other programs of PostgreSQL write it.
    const words = await lf(["list"], { LF_DATABASE_URL: "host=127.0.0.1 password=secret" })
    expect(words.text).toMatch(/LOG_FAILED: expected a connection string as postgres:\/\/user:password@host\/database/)
    expect(words.text).not.toContain("secret")
  }, 60_000)
})

describe("lf doctor with LF_DATABASE_URL", () => {
  /** An app in which nothing is to be done. */
  async function soundApp(): Promise<string> {
    const appDir = await temporaryDirectory()
    const version = JSON.stringify({ version: "0.1.0" })
    const files = {
      "node_modules/next/package.json": '{"version":"16.4.5"}',
      ...Object.fromEntries(
        ["core", "react", "next"].map((name) => [`node_modules/@lf/${name}/package.json`, version]),
      ),
      "next.config.ts": "export default withLf({})",
      "app/api/lf/route.ts": "export const { GET, POST } = lf.handlers",
    }
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(appDir, name)), { recursive: true })
      await writeFile(join(appDir, name), text)
    }
    await symlink(new URL("..", import.meta.url).pathname, join(appDir, "node_modules/@lf/postgres"))
    return appDir
  }

  test("says whether each database answers and what its tables are, changes nothing, and has status 1", async () => {
    const [made, empty] = [await server.makeDatabase(), await server.makeDatabase()]
    await (await made.openStore()).close()
    const appDir = await soundApp()
    const doctor = await commandLine({ LF_DATA_DIR: join(appDir, "data") }, appDir)
    const findings = async (url: string) => {
      const { code, text } = await doctor(["doctor"], { LF_DATABASE_URL: url })
      expect(text).not.toMatch(/lf@|secret|:x@|data in/)
      return { code, found: text.split("app/api/lf/route.ts\n")[1] }
    }
    const at = (text: string) => text.replace(/\/\/.*@/, "//")
    expect(await findings(`${made.connectionString} ${empty.connectionString}`)).toEqual({
      code: 0,
      found:
        `ok    documents in ${at(made.connectionString)}, version ${STORE_VERSION}\n` +
        `ok    documents in ${at(empty.connectionString)}, whose tables the first server makes\n`,
    })
    expect(await empty.query("select from pg_namespace where nspname = 'lf'")).toEqual([])
    await made.query("update lf.store set version = version - 1")
    expect(await findings(made.connectionString)).toEqual({
      code: 1,
      found: expect.stringMatching(
        /^fix {3}documents in \S+, version \d+\n {6}this lf needs version \d+: .* npx lf migrate-store\n$/,
      ),
    })
    await made.query("update lf.store set version = version + 2")
    expect(await findings(made.connectionString)).toEqual({
      code: 1,
      found: expect.stringMatching(
        /^fix {3}documents in \S+, version \d+\n {6}this lf knows version \d+: update lf\n$/,
      ),
    })
    expect(await findings("postgres://lf:x@127.0.0.1:1/none")).toEqual({
      code: 1,
      found: expect.stringMatching(
        /^fix {3}documents in postgres:\/\/127\.0\.0\.1:1\/none\n {6}.*ECONNREFUSED.*: is the database running, and is LF_DATABASE_URL right\?\n$/,
      ),
    })
    const stranger = made.connectionString.replace(/\/\/lf[^@]*@/, "//stranger:secret@")
    expect(await findings(stranger)).toMatchObject({ code: 1, found: expect.stringMatching(/stranger/) })
    // With a slash in the password, which is half of it then.
    expect(await findings("postgres://lf:12/secret@127.0.0.1/none")).toEqual({
      code: 1,
      found: expect.stringMatching(/^fix {3}documents in postgres:\/\/…\n {6}expected a connection .*percent-encoded/),
    })
    // Which data is meant can be said, as with every command.
    const named = await doctor(["doctor", "--data", appDir], { LF_DATABASE_URL: "postgres://lf:x@127.0.0.1:1/none" })
    expect(named).toEqual({ code: 0, text: expect.stringMatching(/\nok {4}data in \S+\n$/) })
    expect(existsSync(join(appDir, "owner.lock"))).toBe(false)
    await rm(join(appDir, "node_modules/@lf/postgres"))
    expect(await findings(made.connectionString)).toMatchObject({
      code: 1,
      found: expect.stringMatching(/npm install @lf\/postgres/),
    })
  }, 60_000)
})
