// What others do to the database while servers use it: locks, copies, publications, rows that vanish.
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"
import { afterEach, beforeAll, expect, test } from "vitest"
import { addTo, cleanUp, idsIn, later } from "../../next/src/testing/fixture.ts"
import { Node } from "../../next/src/testing/sharing-server.ts"
import { migrateStore } from "./schema.ts"
import { codeOf, type TestDatabase, testServer } from "./testing/server.ts"

const server = testServer()
let database: TestDatabase

beforeAll(async () => {
  database = await server.makeDatabase()
}, 60_000)
afterEach(cleanUp)

const startNode = async (own = database) => Node.start(await own.openStore())

test("a sequence that was not copied with the tables gives no document another one's number", async () => {
  const own = await server.makeDatabase()
  const first = await startNode(own)
  const docs = ["a", "b", "c", "d"]
  for (const doc of docs) await addTo(first.rooms, doc, "1")
  // While it runs, and before the next one starts.
  await own.query("alter sequence lf.number restart")
  for (const doc of ["e", "f"]) await addTo(first.rooms, doc, "1")
  await first.rooms.close()
  await own.query("alter sequence lf.number restart")
  const second = await startNode(own)
  for (const doc of ["g", "h"]) await addTo(second.rooms, doc, "1")
  const [numbers] = await own.query<{ n: string; known: string; top: string; last: string }>(
    `select count(*) as n, count(distinct number) as known, max(greatest(number, fence)) as top,
      (select last_value from lf.number) as last from lf.document`,
  )
  expect([numbers?.n, numbers?.known, Number(numbers?.last) >= Number(numbers?.top)]).toEqual(["8", "8", true])
  await second.rooms.delete("g")
  for (const doc of [...docs, "e", "f", "h"]) expect(await idsIn(second.rooms, doc)).toEqual(["1"])
}, 60_000)

test("documents whose rows others have locked hold up no other one for long", async () => {
  const { rooms } = await startNode()
  const docs = Array.from({ length: 8 }, (_, i) => `lock-${i}`)
  for (const doc of docs) await addTo(rooms, doc, "1")
  const stranger = new pg.Client({ connectionString: database.connectionString })
  await stranger.connect()
  later(() => stranger.end())
  await stranger.query("begin")
  await stranger.query("update lf.document set changed_at = changed_at where doc = any($1)", [
    ["main/lock-0", "main/lock-1"],
  ])
  const startedMs = performance.now()
  // Each locked one is in a statement with others, and these are held up twice.
  const locked = [addTo(rooms, "lock-0", "2").catch(() => {})]
  const others = docs.slice(2, 5).map((doc) => addTo(rooms, doc, "2"))
  await sleep(500)
  locked.push(addTo(rooms, "lock-1", "2").catch(() => {}))
  others.push(...docs.slice(5).map((doc) => addTo(rooms, doc, "2")))
  await Promise.all(others)
  expect(performance.now() - startedMs).toBeLessThan(12_000)
  await stranger.query("rollback")
  await Promise.all(locked)
  for (const doc of docs.slice(0, 2)) {
    await expect.poll(() => addTo(rooms, doc, "3").then(() => "done", String), { timeout: 10_000 }).toBe("done")
  }
}, 60_000)

test("a piece of mail that was deleted ends the links: what it was is sent again", async () => {
  const own = await server.makeDatabase()
  const [owner, other] = [await startNode(own), await startNode(own)]
  await addTo(owner.rooms, "doc", "a")
  await own.query("create table dropped (n bigint)")
  // Short mail comes with its notice.
  await own.query(`create function drop_one() returns trigger language plpgsql as $$ begin
    if new.kind in (1, 4) and length(new.body) > 8000 and not exists (select from dropped) then
      insert into dropped values (new.number); return null;
    end if; return new; end $$`)
  await own.query("create trigger dropping before insert on lf.mail for each row execute function drop_one()")
  const client = await other.client("doc")
  await expect.poll(() => client.titles().length).toBe(1)
  client.add("large", randomBytes(20_000).toString("base64"))
  await expect.poll(async () => (await own.query("select from dropped")).length, { timeout: 5_000 }).toBe(1)
  client.add("next")
  await expect.poll(() => client.local.pendingCount, { timeout: 10_000 }).toBe(0)
  expect(await idsIn(owner.rooms, "doc")).toEqual(["a", "large", "next"])
}, 60_000)

test("a server whose mail cannot be sent or taken says so, until it can", async () => {
  const own = await server.makeDatabase()
  const role = `mail${Date.now()}`
  await (await own.openStore()).begin()
  await own.query(`create role ${role} login`)
  await own.query(`grant usage on schema lf to ${role}`)
  for (const kind of ["tables", "sequences"]) await own.query(`grant all on all ${kind} in schema lf to ${role}`)
  const store = await own.openStore({ connectionString: own.connectionStringOf(role) })
  store.peers.listen({ reached() {}, reachedServer() {}, noticed() {} })
  await store.begin()
  await own.query(`revoke delete on lf.mail from ${role}`)
  const stateOf = () =>
    store.begin().then(
      () => "fine",
      (error: Error) => error.message,
    )
  await expect.poll(stateOf, { timeout: 10_000 }).toMatch(/42501.* while servers wrote to each other: .*lacks rights/)
  await own.query(`grant delete on lf.mail to ${role}`)
  await expect.poll(stateOf, { timeout: 5_000 }).toBe("fine")
  // Once is enough, though nothing is sent afterwards.
  await own.query(`revoke insert on lf.mail from ${role}`)
  const other = await own.openStore()
  other.peers.listen({ reached() {}, reachedServer() {}, noticed() {} })
  const { log } = await other.open("others")
  await store.peers.openOrReach("others")
  await expect.poll(stateOf, { timeout: 10_000 }).toMatch(/42501.* while servers wrote to each other/)
  await own.query(`grant insert on lf.mail to ${role}`)
  await expect.poll(stateOf, { timeout: 5_000 }).toBe("fine")
  await log.close()
}, 30_000)

test("an owner whose database was put back is none any more (I8)", async () => {
  const store = await database.openStore()
  const { log } = await store.open("back")
  const record = { stream: "s", lsn: 1, type: "entry", payload: new Uint8Array(1), previousHash: 0n, hash: 0n } as never
  for (let i = 0; i < 3; i++) await log.append([record])
  await log.confirm?.()
  await database.query("update lf.document set position = 2 where doc = 'main/back'")
  expect(await codeOf(log.confirm?.() ?? Promise.resolve())).toBe("LOG_DEPOSED")
})

test("a publication of all tables is no obstacle, and a migration waits as long as it takes", async () => {
  const own = await server.makeDatabase()
  await own.query("create publication everything for all tables")
  const store = await own.openStore()
  await store.begin()
  const pool = new pg.Pool({
    connectionString: own.connectionString,
    max: 1,
    statement_timeout: 200,
    query_timeout: 400,
  })
  const other = new pg.Client({ connectionString: own.connectionString })
  await other.connect()
  later(() => Promise.all([pool.end(), other.end()]))
  // Another migration runs.
  await other.query("select pg_advisory_lock($1)", [0x6c66_2026])
  const migrated = [migrateStore(pool), store.migrate()]
  setTimeout(() => void other.query("select pg_advisory_unlock($1)", [0x6c66_2026]), 3_000)
  for (const { from } of await Promise.all(migrated)) expect(from).toBeGreaterThan(0)
})

test("a notice keeps its letters, whatever the database's encoding", async () => {
  const name = `latin${Date.now()}`
  await database.query(`create database ${name} template template0 encoding 'LATIN1' locale 'C'`)
  const connectionString = database.connectionString.replace(/[^/]+$/, name)
  const [near, far] = [await database.openStore({ connectionString }), await database.openStore({ connectionString })]
  const noticed: string[] = []
  const listener = { reached() {}, reachedServer() {}, noticed: (notice: string) => void noticed.push(notice) }
  near.peers.listen({ ...listener, noticed() {} })
  far.peers.listen(listener)
  await Promise.all([near.begin(), far.begin()])
  near.peers.notify('{"user":"日本"}')
  await expect.poll(() => noticed).toEqual(['{"user":"日本"}'])
  // One that came while nothing was listened to may be lost: all users are asked about.
  await database.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lf notices'")
  await expect.poll(() => noticed.at(-1), { timeout: 5_000 }).toBe("")
})
