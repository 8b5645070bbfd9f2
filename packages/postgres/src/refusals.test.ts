// What an operator reads when a database cannot be used: typed, with the reason and the remedy, and without a password.
import { setTimeout as sleep } from "node:timers/promises"
import { createLf } from "@lf/next"
import pg from "pg"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { addTo, cleanUp, idsIn, later, mutator } from "../../next/src/testing/fixture.ts"
import { STORE_VERSION } from "./schema.ts"
import { postgresStore } from "./store.ts"
import { codeOf, type TestDatabase, testServer } from "./testing/server.ts"
import { TcpProxy } from "./testing/tcp-proxy.ts"

const server = testServer()
let database: TestDatabase

beforeAll(async () => {
  database = await server.makeDatabase()
  await (await database.openStore()).begin()
}, 60_000)
afterEach(cleanUp)

function refusalOf(connectionString: string): Error {
  try {
    postgresStore({ connectionString })
  } catch (error) {
    return error as Error // it throws errors alone
  }
  throw new Error("it was taken")
}

describe("connection strings", () => {
  test.each([
    ["foo", /got something else/],
    ["localhost:5432", /begins with localhost:/],
    ["http://lf:secret@127.0.0.1/x", /begins with http:/],
    ["mysql://lf:secret@127.0.0.1:3306/x", /begins with mysql:/],
    ["postgres:///x", /without a host/],
    ["postgres://lf:sec/ret@127.0.0.1/x", /percent-encoded/],
    ["postgres://lf:12/secret@127.0.0.1/x", /percent-encoded/],
    ["postgres://lf:secret@[oops/x", /percent-encoded/],
    ["postgres://lf:secret@one:5432,two:5432/x", /several hosts/],
    ["postgres://lf:secret@one,two/x", /several hosts/],
    ["postgres:///x?host=one,two", /several hosts/],
  ])("%s is refused with what was expected", (connectionString, reason) => {
    const error = refusalOf(connectionString)
    expect(error).toMatchObject({ code: "LOG_FAILED", message: expect.stringMatching(reason) })
    expect(error.message).toMatch(/^expected a connection string as postgres:/)
    expect(error.message).not.toMatch(/sec|ret\b/)
  })

  test.each([
    [{ connectionString: "" }],
    [{ connectionString: " " }],
    [{ connectionString: null }],
    [{ shards: [] }],
    [{ shards: [""] }],
    [{ shards: [undefined] }],
    [{ shards: "postgres://lf@127.0.0.1/x" }],
    [{}],
    [{ connectionString: "postgres://lf@127.0.0.1/x", nodeId: "" }],
    [{ connectionString: "postgres://lf@127.0.0.1/x", nodeId: "a b" }],
  ])("%o is a TypeError", (options) => {
    expect(() => postgresStore(options as never)).toThrow(TypeError)
  })

  test("a directory with a socket is a host", () => {
    expect(postgresStore({ connectionString: "postgres:///x?host=/run/postgresql" }).name).toContain("/run/postgresql")
  })
})

/** The health check of a server, and its log. */
async function lookAt(connectionString: string): Promise<{ health: object; log: string }> {
  const events: object[] = []
  const store = postgresStore({ connectionString })
  const lf = createLf({
    mutator,
    store,
    log: (event) => void events.push(event),
    authenticate: () => null,
    authorize: () => true,
  })
  const answer = await lf.handlers.GET(new Request("http://localhost/api/lf"))
  const log = JSON.stringify(events)
  const health = { status: answer.status, ...(await answer.json()) }
  await lf.close()
  expect(JSON.stringify(health) + log).not.toContain("secret")
  return { health, log }
}

describe("health check and log say which it is", () => {
  const unavailable = { status: 503, ok: false, code: "STORE_UNAVAILABLE" }

  test("no server answers, or none has the name", async () => {
    const refused = await lookAt("postgres://lf:secret@127.0.0.1:1/x")
    expect(refused.health).toMatchObject({ ...unavailable, reason: "LOG_FAILED ECONNREFUSED" })
    const nameless = await lookAt("postgres://lf:secret@lf.invalid/x")
    expect(nameless.health).toMatchObject({ reason: expect.stringMatching(/^LOG_FAILED (ENOTFOUND|EAI_AGAIN)$/) })
  })

  test("another role, or a database that is not there", async () => {
    const role = await lookAt(database.connectionStringOf("stranger"))
    expect(role.health).toMatchObject({
      ...unavailable,
      reason: expect.stringMatching(/^LOG_FAILED SQLSTATE 28\w{3}$/),
    })
    expect(role.log).toMatch(/store-refused.*SQLSTATE 28/)
    const missing = await lookAt(database.connectionString.replace(/\/[^/]+$/, "/none"))
    expect(missing.health).toMatchObject({ ...unavailable, reason: "LOG_FAILED SQLSTATE 3D000" })
  })

  test("tables of an older and of a newer version", async () => {
    const own = await server.makeDatabase()
    await (await own.openStore()).begin()
    await own.query("update lf.store set version = 1")
    const older = await lookAt(own.connectionString)
    expect(older.health).toMatchObject({ ...unavailable, reason: "LOG_FORMAT_OLDER" })
    await own.query("update lf.store set version = $1", [STORE_VERSION + 1])
    const newer = await lookAt(own.connectionString)
    expect(newer.health).toMatchObject({ ...unavailable, reason: "LOG_FORMAT_NEWER" })
    expect(older.log + newer.log).toMatch(/LOG_FORMAT_OLDER.*LOG_FORMAT_NEWER/)
  })

  test("a role without rights; one that was given the schema makes the tables", async () => {
    const own = await server.makeDatabase()
    await own.query("create role app login")
    const connectionString = own.connectionStringOf("app")
    expect((await lookAt(connectionString)).health).toMatchObject({ reason: "LOG_FAILED SQLSTATE 42501" })
    const message = await postgresStore({ connectionString })
      .migrate()
      .catch((error) => error.message)
    expect(message).toMatch(/SQLSTATE 42501.*permission denied for database.*lf migrate-store/)
    await own.query("create schema lf authorization app")
    expect((await lookAt(connectionString)).health).toMatchObject({ status: 200, ok: true })
  })

  test.each([
    ["empty", "delete from lf.store", /got 0 rows/],
    ["two rows", "insert into lf.store select * from lf.store", /got 2 rows/],
    ["another's", "alter table lf.store drop column version", /got no version/],
  ])("a table lf.store that is %s", async (_, damage, reason) => {
    const own = await server.makeDatabase()
    await (await own.openStore()).begin()
    await own.query(damage)
    const store = postgresStore({ connectionString: own.connectionString })
    later(() => store.close())
    await expect(store.begin()).rejects.toMatchObject({ code: "LOG_CORRUPT", message: expect.stringMatching(reason) })
    expect((await lookAt(own.connectionString)).health).toMatchObject({ reason: "LOG_CORRUPT" })
  })
})

describe("a database that takes no more connections", () => {
  /** A role with so few that calls wait for each other's. */
  async function limited(connections: number) {
    const own = await server.makeDatabase()
    await (await own.openStore()).begin()
    const role = `limited${connections}`
    await own.query(`create role ${role} login connection limit ${connections}`)
    await own.query(`grant all on schema lf to ${role}`)
    await own.query(`grant all on all tables in schema lf to ${role}`)
    await own.query(`grant all on all sequences in schema lf to ${role}`)
    const rooms = new Rooms({
      store: postgresStore({ connectionString: own.connectionStringOf(role), ownerWaitMs: 0 }),
      mutator,
    })
    later(() => rooms.close())
    const cut = (name: string) =>
      own.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and application_name = $2", [
        role,
        name,
      ])
    const take = async () => {
      const client = new pg.Client({ connectionString: own.connectionStringOf(role) })
      client.on("error", () => {})
      await client.connect()
      return client
    }
    return { rooms, cut, take }
  }

  test("calls wait for the connections that there are", async () => {
    const { rooms } = await limited(6)
    const docs = Array.from({ length: 12 }, (_, i) => `doc${i}`)
    await Promise.all(docs.map((doc) => addTo(rooms, doc, "a")))
    for (const doc of docs) expect(await idsIn(rooms, doc)).toEqual(["a"])
  })

  test("one that was lost is made again when there is room", async () => {
    const { rooms, cut, take } = await limited(9)
    await addTo(rooms, "doc", "a")
    const taken: pg.Client[] = []
    // All that the server does not hold, and then the one with which it appends.
    for (let i = 0; i < 9; i++)
      await take().then(
        (client) => taken.push(client),
        () => {},
      )
    await cut("lf appends")
    await take().then(
      (client) => taken.push(client),
      () => {},
    )
    const added = addTo(rooms, "doc", "b")
    await sleep(500)
    for (const client of taken) await client.end()
    await added
    expect(await idsIn(rooms, "doc")).toEqual(["a", "b"])
  })
})

test("a database that hangs holds up no server that ends", async () => {
  const proxy = await TcpProxy.to(Number(new URL(database.connectionString).port))
  later(() => proxy.close())
  const store = postgresStore({ connectionString: proxy.through(database.connectionString) })
  store.peers.listen({ reached() {}, reachedServer() {}, noticed() {} })
  const { log } = await store.open("hung")
  proxy.hold()
  const startedMs = performance.now()
  expect(await codeOf(log.close())).toBe("done")
  await store.close()
  expect(performance.now() - startedMs).toBeLessThan(8_000)
}, 15_000)
