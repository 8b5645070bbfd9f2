import { setTimeout as sleep } from "node:timers/promises"
import { loadChecksum, Remote } from "@lf/core/internal"
import pg from "pg"
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest"
import { ATTEMPTS_MAX } from "../../core/src/remote/crash-quarantine.ts"
import { chainOf, checkpointOf } from "../../core/src/testing/log-contract.ts"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { reporterOf } from "../../next/src/log/error-report.ts"
import { openServerDocument, type ServerDocument } from "../../next/src/server-document.ts"
import { Add, addTo, cleanUp, idsIn, later, mutator } from "../../next/src/testing/fixture.ts"
import { Node } from "../../next/src/testing/sharing-server.ts"
import { LEASE_MS, Lease } from "./lease.ts"
import type { PostgresStore } from "./store.ts"
import { codeOf, type TestDatabase, TestTimers, testServer } from "./testing/server.ts"
import { TcpProxy } from "./testing/tcp-proxy.ts"

await loadChecksum()
const HANDOVER_MS_MAX = 1_000

const server = testServer()
let database: TestDatabase
let docs = 0

beforeAll(async () => {
  database = await server.makeDatabase()
}, 60_000)
afterEach(cleanUp)

/** What one server has open. Two in this process are as far apart as two machines: they share the database alone. */
async function startRooms(ownerWaitMs = 0): Promise<Rooms> {
  const rooms = new Rooms({ store: await database.openStore({ ownerWaitMs }), mutator })
  later(() => rooms.close())
  return rooms
}

const quiet = reporterOf({ log: () => {} })

/** A document as a route handler or a job calls it. */
function documentOf(rooms: Rooms, doc: string): ServerDocument {
  const access = { may: async () => true } as never // `as: "system"` asks nothing
  return openServerDocument({ access, rooms, doc, as: "system" })
}

const newDoc = () => `doc-${++docs}`
const [record] = chainOf("s", ["1"])

describe("servers on one PostgreSQL", () => {
  test("connections that are cut at any statement fail what they carry alone; the process goes on (T19)", async () => {
    const own = await server.makeDatabase()
    const proxy = await TcpProxy.to(Number(new URL(own.connectionString).port))
    later(() => proxy.close())
    const use = async (store: PostgresStore, doc: string) => {
      const { log } = await store.open(doc)
      try {
        await log.append([record])
        await log.rollup(checkpointOf(1, 1), [record])
      } finally {
        await log.close()
      }
    }
    let isCut = true
    let cuts = 0
    for (; isCut; cuts++) {
      const doc = newDoc()
      const store = await own.openStore({ connectionString: proxy.through(own.connectionString) })
      const at = cuts
      let sent = 0
      isCut = false
      afterStatement(() => {
        if (sent++ !== at) return
        isCut = true
        proxy.cut()
      })
      expect(["done", "LOG_FAILED"]).toContain(await codeOf(use(store, doc)))
      vi.restoreAllMocks()
      await expect.poll(() => codeOf(use(store, doc))).toBe("done")
      await store.close()
    }
    expect(cuts).toBeGreaterThan(15)
  })

  test("a successor that waits has every document at once when its predecessor stops, without a checkpoint (I14)", async () => {
    const [first, second] = [await startRooms(), await startRooms(3_000)]
    const all = [newDoc(), newDoc(), newDoc()]
    for (const doc of all) await addTo(first, doc, "a")
    const waiting = all.map((doc) => idsIn(second, doc))
    const startedMs = performance.now()
    await first.close()
    expect(await Promise.all(waiting)).toEqual(all.map(() => ["a"]))
    expect(performance.now() - startedMs).toBeLessThan(HANDOVER_MS_MAX)
    expect(await database.query("select doc from lf.checkpoint_part")).toEqual([])
    await addTo(second, all[0], "b")
    expect(await idsIn(second, all[0])).toEqual(["a", "b"])
  })

  test("one that was replaced while it did not run shows no older rows and writes nothing (I8, I14)", async () => {
    const [paused, other] = [await startRooms(), await startRooms()]
    const doc = newDoc()
    await addTo(paused, doc, "a")
    await database.query("update lf.document set owner = null where doc = 'main/' || $1::text", [doc])
    await addTo(other, doc, "b")
    // It has the document open still, and knows of nothing: it asks, and reads at the new owner.
    expect(await idsIn(paused, doc)).toEqual(["a", "b"])
    await addTo(paused, doc, "c")
    expect(await idsIn(other, doc)).toEqual(["a", "b", "c"])
    await other.close()
    expect(await idsIn(paused, doc)).toEqual(["a", "b", "c"])
  })

  test("one that ends serves the documents whose turn has not come, also to the server that takes over (I14)", async () => {
    const [ending, next] = [await startRooms(), await startRooms(3_000)]
    const all = Array.from({ length: 40 }, newDoc)
    for (const doc of all) await addTo(ending, doc, "a")
    const leases = await Promise.all(all.map((doc) => ending.enter(doc, { create: false })))
    let isClosed = false
    const closing = ending.close().then(() => {
      isClosed = true
    })
    const last = all.at(-1) ?? ""
    await addTo(next, last, "b")
    const first = await next.enter(all[0], { create: false })
    const wasOver = isClosed
    expect([await idsIn(next, last), wasOver, first.document instanceof Remote]).toEqual([["a", "b"], false, true])
    first.leave()
    await closing
    for (const { leave } of leases) leave()
    expect(await Promise.all(all.map((doc) => idsIn(next, doc).then((ids) => ids[0])))).toEqual(all.map(() => "a"))
  }, 30_000)

  test("a mutation whose flush the database refuses for a while is applied later: it killed no process (T12, T19)", async () => {
    const own = await server.makeDatabase()
    const node = Node.start(await own.openStore())
    const client = await node.client("doc")
    await client.add("first").remote
    await own.query("create sequence refusals")
    await own.query(`create function refuse() returns trigger language plpgsql as $$ begin
      if length(new.bytes) < 10000 then return new; end if;
      perform nextval('refusals');
      raise exception 'no space is left' using errcode = '57014';
    end $$`)
    await own.query("create trigger refuse before insert on lf.log for each row execute function refuse()")
    const { remote } = client.local.run("Fill", {})
    const refusals = async () => {
      const [{ last }] = await own.query<{ last: string }>("select last_value as last from refusals")
      return Number(last)
    }
    await expect.poll(refusals, { timeout: 20_000 }).toBeGreaterThan(2 * ATTEMPTS_MAX)
    await own.query("drop trigger refuse on lf.log")
    expect((await remote).type).toBe("applied")
  }, 40_000)

  test("a database that cuts idle sessions and writes dates in another style disturbs no client (T22)", async () => {
    const own = await server.makeDatabase()
    const { pathname } = new URL(own.connectionString)
    for (const setting of ["idle_session_timeout = '500ms'", "datestyle = 'German, DMY'"])
      await own.query(`alter database ${pathname.slice(1)} set ${setting}`)
    const stores = [await own.openStore(), await own.openStore()]
    const clients = []
    for (const store of stores) clients.push(await Node.start(store).client("doc"))
    for (const client of clients) await expect.poll(() => client.session.state.status).toBe("connected")
    const startedMs = performance.now()
    while (performance.now() - startedMs < 1_500) {
      expect(clients.map(({ session }) => session.state.status)).toEqual(["connected", "connected"])
      await sleep(20)
    }
    const [{ changedAt }] = await stores[0].list()
    expect(Math.abs(Date.now() - changedAt.getTime())).toBeLessThan(60_000)
  }, 20_000)

  test("a mutation that a process calls at any server runs once, whatever becomes of the owner (T28)", async () => {
    const doc = newDoc()
    // Its lease runs out under it: what it still appends is refused.
    const silent = new Rooms({ store: await database.openStore({ host: new TestTimers() }), mutator, reporter: quiet })
    later(() => silent.close())
    const servers = [await startRooms(), await startRooms()]
    await addTo(silent, doc, "zero")
    const calls: Promise<string>[] = []
    const documents = servers.map((rooms) => documentOf(rooms, doc))
    const endMs = performance.now() + LEASE_MS + 1_000
    while (performance.now() < endMs) {
      const id = `${calls.length}`
      const called = documents[calls.length % 2].mutate(Add, { id, title: id })
      calls.push(
        called.then(
          ({ type }) => type,
          (error) => error.code,
        ),
      )
      await sleep(5)
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["applied"]))
    expect(await idsIn(servers[0], doc)).toHaveLength(calls.length + 1)
  }, 30_000)

  test("a mutation whose fate nothing can say is DOC_STOPPED or LOG_FAILED, after 3 s", async () => {
    const rooms = await startRooms()
    const doc = newDoc()
    await addTo(rooms, doc, "a")
    const called = codeOf(documentOf(rooms, doc).mutate(Add, { id: "b", title: "b" }))
    try {
      await server.stop()
      // It was durable before, or the database was gone before it came.
      expect(["done", "STORE_UNAVAILABLE", "LOG_FAILED", "DOC_STOPPED"]).toContain(await called)
    } finally {
      await server.start()
    }
  }, 30_000)

  test("a document is deleted for all servers, and listed by all", async () => {
    const [first, second] = [await startRooms(), await startRooms()]
    const doc = newDoc()
    await addTo(first, doc, "a")
    expect((await second.store.list()).map(({ docId }) => docId)).toContain(doc)
    await second.delete(doc)
    expect(await first.has(doc)).toBe(false)
    expect(await codeOf(idsIn(first, doc))).toBe("DOC_NOT_FOUND")
    await addTo(second, doc, "b")
    expect(await idsIn(second, doc)).toEqual(["b"])
  })

  test("without a database, `trouble` says why, and documents open when it is back", async () => {
    const rooms = await startRooms()
    const doc = newDoc()
    await addTo(rooms, doc, "a")
    await server.stop()
    await expect.poll(async () => (await rooms.trouble())?.code, { timeout: 5_000 }).toBe("STORE_UNAVAILABLE")
    expect(await codeOf(addTo(rooms, newDoc(), "a"))).toBe("STORE_UNAVAILABLE")
    // Asked before a client is let in: what it is sent names the store, not its own disk.
    expect(await codeOf(rooms.has(newDoc()))).toBe("STORE_UNAVAILABLE")
    await server.start()
    await expect.poll(() => rooms.trouble(), { timeout: 10_000 }).toBeNull()
    // The log failed with its connection: the document is opened again.
    await expect.poll(() => codeOf(addTo(rooms, doc, "b")), { timeout: 10_000 }).toBe("done")
    expect(await idsIn(rooms, doc)).toEqual(["a", "b"])
  })
})

test("a lease that begins again, because what follows it failed, is renewed by one timer", async () => {
  const pool = new pg.Pool({ connectionString: database.connectionString, max: 1 })
  const timers: (() => void)[] = []
  const after = (_delayMs: number, run: () => void) => {
    timers.push(run)
    return () => void timers.splice(timers.indexOf(run), 1)
  }
  const lease = new Lease(pool, "twice", {
    host: { after },
    facts: () => ({ stores: [], isServing: true }),
    onRenewed: async () => {},
  })
  await lease.begin()
  await lease.begin()
  expect(timers).toHaveLength(1)
  await lease.end()
  expect(timers).toEqual([])
  await pool.end()
})

test("a lease is renewed while what follows a renewal waits for busy connections, and says once that it had run out", async () => {
  const pool = new pg.Pool({ connectionString: database.connectionString, max: 1 })
  const timers = new TestTimers()
  const reports: boolean[] = []
  let answer = () => {}
  const lease = new Lease(pool, "busy", {
    host: timers,
    facts: () => ({ stores: [], isServing: true }),
    async onRenewed({ wasHeld }) {
      reports.push(wasHeld)
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    },
  })
  const until = async () => {
    const rows = await database.query<{ until: Date }>("select lease_until as until from lf.node where id = 'busy'")
    return rows[0].until.getTime()
  }
  await lease.begin()
  await database.query("update lf.node set lease_until = clock_timestamp() - interval '1 ms' where id = 'busy'")
  for (let i = 0; i < 4; i++) {
    const before = await until()
    await expect
      .poll(() => {
        timers.runDue()
        return until()
      })
      .toBeGreaterThan(before)
  }
  expect(reports).toEqual([false])
  answer()
  await expect.poll(() => reports).toEqual([false, true])
  await lease.end()
  answer()
  await pool.end()
})

/** Calls `work` when a statement was sent, before its answer is there. */
function afterStatement(work: () => void): void {
  const query: (this: pg.Client, ...args: unknown[]) => unknown = pg.Client.prototype.query
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const answer = query.apply(this, args)
    setImmediate(work)
    return answer
  } as never)
}
