// Documents spread over several databases, and moved while servers have them open.
import { type AddressInfo, createServer } from "node:net"
import { loadChecksum } from "@lf/core/internal"
import pg from "pg"
import { afterEach, describe, expect, test, vi } from "vitest"
import { chainOf } from "../../core/src/testing/log-contract.ts"
import { Rooms } from "../../next/src/documents/rooms.ts"
import { reporterOf } from "../../next/src/log/error-report.ts"
import { addTo, cleanUp, idsIn, later, mutator } from "../../next/src/testing/fixture.ts"
import { connectionsTo } from "./connection.ts"
import { moveDocument } from "./move.ts"
import { homeOf } from "./placement.ts"
import { Shard } from "./shard.ts"
import type { PostgresStore, PostgresStoreOptions } from "./store.ts"
import { codeOf, type TestDatabase, TestTimers, testServer } from "./testing/server.ts"

await loadChecksum()
const server = testServer()
const [record] = chainOf("s", ["1"])

afterEach(async () => {
  vi.restoreAllMocks()
  await cleanUp()
})

function openShards(databases: readonly TestDatabase[], options: Partial<PostgresStoreOptions> = {}): PostgresStore {
  const store = server.openShards(databases, options)
  later(() => store.close())
  return store
}

const makeDatabases = (count: number) => Promise.all(Array.from({ length: count }, () => server.makeDatabase()))

/** A document with one record. */
async function write(store: PostgresStore, docId: string): Promise<void> {
  const { log } = await store.open(docId)
  await log.append([record])
  await log.close()
}

async function docsIn(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ doc: string }>("select doc from lf.document order by doc")
  return rows.map(({ doc }) => doc.slice("main/".length))
}

async function placementOf(database: TestDatabase): Promise<{ id: string; shards: string[]; is_settled: boolean }> {
  const [row] = await database.query<{ id: string; shards: string[]; is_settled: boolean }>(
    "select id, shards, is_settled from lf.store",
  )
  return row
}

/** What one server has open. */
function startRooms(databases: readonly TestDatabase[]): Rooms {
  const store = openShards(databases, { ownerWaitMs: 3_000 })
  // A document that moves stops at its owner.
  const reporter = reporterOf({ log: () => {} })
  const rooms = new Rooms({ store, mutator, reporter })
  later(() => rooms.close())
  return rooms
}

const named = (count: number) => Array.from({ length: count }, (_, i) => `doc-${i}`)

test("documents go to the database that their ids choose: even shares, and one more takes its own share alone", () => {
  const keys = Array.from({ length: 6_000 }, (_, i) => `main/${i}`)
  const before = keys.map((key) => homeOf(key, ["a", "b", "c"]))
  for (const shard of ["a", "b", "c"]) {
    const share = before.filter((home) => home === shard).length
    expect(share).toBeGreaterThan(1_850)
    expect(share).toBeLessThan(2_150)
  }
  const after = keys.map((key) => homeOf(key, ["d", "c", "a", "b"]))
  expect(after.every((home, i) => home === "d" || home === before[i])).toBe(true)
})

describe("several databases", () => {
  test("have each document once; a server with the list in another order finds all", async () => {
    const databases = await makeDatabases(3)
    const [first, second] = [openShards(databases), openShards(databases.toReversed())]
    await Promise.all(named(30).map((doc, i) => write(i % 2 === 0 ? first : second, doc)))
    const found = await Promise.all(databases.map(docsIn))
    expect(found.flat().sort()).toEqual(named(30).sort())
    expect(found.every((docs) => docs.length > 0)).toBe(true)
    expect((await second.list()).map(({ docId }) => docId)).toEqual(named(30).sort())
    expect(await Promise.all(named(30).map((doc) => first.has(doc)))).toEqual(named(30).map(() => true))
    await second.delete("doc-7")
    expect(await first.has("doc-7")).toBe(false)
    expect(await first.read("doc-7")).toBe(null)
    expect((await first.read("doc-8"))?.records).toHaveLength(1)
  })

  test("fail alone: while one does not answer, the documents of the other open and are made", async () => {
    const gone = "postgres://lf@127.0.0.1:1/none"
    const [one, other] = await makeDatabases(2)
    await write(openShards([one, other]), "first")
    const { id } = await placementOf(one)
    const shards = (await placementOf(one)).shards
    const of = (home: boolean) => named(20).filter((doc) => (homeOf(`main/${doc}`, shards) === id) === home)
    const store = openShards([one, other], { shards: [one.connectionString, gone] })
    for (const doc of of(true)) expect(await codeOf(write(store, doc))).toBe("done")
    for (const doc of of(false)) expect(await codeOf(write(store, doc))).toBe("LOG_FAILED")
    expect(await codeOf(openShards([one], { shards: [gone, gone] }).begin())).toBe("LOG_FAILED")
  })

  test("fail alone: while one hangs, the documents of the other open and are made", async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    later(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const [one, other] = await makeDatabases(2)
    await openShards([one, other]).begin()
    const { id, shards } = await placementOf(one)
    const docs = named(40).filter((doc) => homeOf(`main/${doc}`, shards) === id)
    const lost = named(40).filter((doc) => !docs.includes(doc))
    const hung = `postgres://lf@127.0.0.1:${port}/none`
    const store = openShards([one, other], { shards: [one.connectionString, hung] })
    const rooms = new Rooms({ store, mutator, reporter: reporterOf({ log: () => {} }) })
    later(() => rooms.close())
    // All of them wait for it.
    const waiting = lost.map((doc) => codeOf(addTo(rooms, doc, "a")))
    const startedMs = performance.now()
    for (const doc of docs) await addTo(rooms, doc, "a")
    expect(performance.now() - startedMs).toBeLessThan(8_000)
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["STORE_UNAVAILABLE"]))
  }, 60_000)

  test("are all known to every server, each once, and none of them brings documents of its own unasked", async () => {
    const [one, other, third] = await makeDatabases(3)
    await write(openShards([one, other]), "a")
    const partly = openShards([one])
    const refusal = "documents are spread over 2 databases, and `shards` has 1 of them: name all"
    await expect(partly.begin()).rejects.toThrow(refusal)
    await expect(partly.list()).rejects.toThrow(refusal)
    await expect(write(partly, "a")).rejects.toThrow(refusal)
    await expect(openShards([one, one]).begin()).rejects.toThrow("name each database once")
    const alone = openShards([third])
    await write(alone, "b")
    const [own] = await makeDatabases(1)
    await write(openShards([own]), "c")
    await expect(openShards([third, own]).begin()).rejects.toThrow(/had documents of its own; run: npx lf rebalance/)
    const merged = openShards([third, own])
    expect((await merged.rebalance()).left).toEqual([])
    expect((await merged.list()).map(({ docId }) => docId)).toEqual(["b", "c"])
    // Also beside those that are spread already.
    const [filled] = await makeDatabases(1)
    await write(openShards([filled]), "d")
    await expect(openShards([third, own, filled]).begin()).rejects.toThrow(/had documents of its own/)
    expect(() => openShards([])).toThrow("expected `connectionString`, or `shards`")
  })
})

describe("lf rebalance", () => {
  test("spreads what one database had, twice without effect, and takes it back; content and times stay", async () => {
    const databases = await makeDatabases(2)
    const old = openShards([databases[0]])
    const docs = named(16)
    for (const doc of docs) await write(old, doc)
    // One with a checkpoint, which is larger than a part.
    const { log } = await old.open("doc-3")
    const pages = Array.from({ length: 300 }, (_, i) => new Uint8Array(4096).fill(i))
    await log.rollup({ meta: new Uint8Array([7]), pages }, [record])
    await log.close()
    const before = await old.list()
    await old.close()
    const store = openShards(databases)
    expect(await store.list()).toEqual(before)
    expect(await docsIn(databases[1])).toEqual([])
    const seen: number[] = []
    const { moved, left } = await store.rebalance({ onProgress: (count) => seen.push(count) })
    expect([left, seen.at(-1)]).toEqual([[], moved])
    expect((await docsIn(databases[1])).length).toBe(moved)
    expect(moved).toBeGreaterThan(0)
    expect((await store.list()).map(({ docId, changedAt }) => [docId, changedAt])).toEqual(
      before.map(({ docId, changedAt }) => [docId, changedAt]),
    )
    expect((await store.read("doc-3"))?.checkpoint).toEqual({ meta: new Uint8Array([7]), pages })
    for (const doc of docs) expect((await store.read(doc))?.records).toEqual([record])
    const settled = await placementOf(databases[1])
    expect(settled.is_settled).toBe(true)
    expect(await store.rebalance()).toMatchObject({ moved: 0, left: [] })
    expect(await placementOf(databases[1])).toEqual(settled)
    const without = [addressOf(databases[1])]
    expect(await store.rebalance({ without })).toMatchObject({ moved, left: [] })
    expect(await docsIn(databases[1])).toEqual([])
    await expect(store.rebalance({ without: ["postgres://elsewhere"] })).rejects.toThrow("is not one of the databases")
    // From now on a server needs to know the one alone.
    const small = openShards([databases[0]])
    for (const doc of docs) expect((await small.read(doc))?.records).toEqual([record])
  })

  test("under writing servers nothing acknowledged is lost and nothing doubled (I3, I8, I14)", async () => {
    const databases = await makeDatabases(2)
    const alone = openShards([databases[0]])
    await write(alone, "zero")
    await alone.close()
    const servers = [startRooms(databases), startRooms(databases)]
    const docs = named(8)
    const acknowledged = new Map(docs.map((doc) => [doc, new Set<string>()]))
    let isOver = false
    const writers = docs.map(async (doc, i) => {
      for (let n = 0; !isOver; n++) {
        const id = `${String(n).padStart(4, "0")}`
        const rooms = servers[(i + n) % 2]
        const code = await codeOf(addTo(rooms, doc, id))
        if (code === "done") acknowledged.get(doc)?.add(id)
        // New ones beside them, until after the placement has changed.
        if (acknowledged.size < 60 && (await codeOf(addTo(rooms, `${doc}-${id}`, id))) === "done")
          acknowledged.set(`${doc}-${id}`, new Set([id]))
      }
    })
    await expect.poll(() => acknowledged.get("doc-7")?.size ?? 0).toBeGreaterThan(2)
    const mover = openShards(databases)
    const { moved, left } = await mover.rebalance()
    expect(left).toEqual([])
    expect(moved).toBeGreaterThan(0)
    const counts = docs.map((doc) => acknowledged.get(doc)?.size ?? 0)
    await expect
      .poll(() => docs.every((doc, i) => (acknowledged.get(doc)?.size ?? 0) > counts[i] + 2), { timeout: 15_000 })
      .toBe(true)
    isOver = true
    await Promise.all(writers)
    const { shards } = await placementOf(databases[0])
    for (const database of databases) {
      const { id } = await placementOf(database)
      for (const doc of await docsIn(database)) expect(homeOf(`main/${doc}`, shards)).toBe(id)
    }
    const found = (await Promise.all(databases.map(docsIn))).flat()
    expect(new Set(found).size).toBe(found.length)
    for (const [doc, expected] of acknowledged) {
      const ids = await idsIn(servers[0], doc)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toEqual(expect.arrayContaining([...expected]))
      expect(await idsIn(servers[1], doc)).toEqual(ids)
    }
  })

  test("waits for servers that know all databases, and for another call", async () => {
    const databases = await makeDatabases(2)
    const partly = startRooms(databases.slice(0, 1))
    await addTo(partly, "a", "1")
    const store = openShards(databases)
    await expect(store.rebalance()).rejects.toThrow(/^1 running servers on .* do not know all of `shards`/)
    await partly.close()
    const other = openShards(databases)
    await other.begin()
    const codes: string[] = []
    beforeStatement("where placement_version < $1", async () => {
      if (codes.length === 0) codes.push(await codeOf(other.rebalance()))
    })
    expect((await store.rebalance()).left).toEqual([])
    expect(codes).toEqual(["LOG_OWNED"])
  })

  test("refuses a list that lacks a database with documents, and changes nothing then", async () => {
    const databases = await makeDatabases(3)
    const store = openShards(databases.slice(0, 2))
    const docs = named(10)
    for (const doc of docs) await write(store, doc)
    const places = await Promise.all(databases.slice(0, 2).map(placementOf))
    for (const lacking of [databases.slice(0, 1), databases.slice(1, 2), databases.slice(1)])
      await expect(openShards(lacking).rebalance()).rejects.toThrow(
        /spread over 2 databases, and `shards` has 1 of them/,
      )
    expect(await Promise.all(databases.slice(0, 2).map(placementOf))).toEqual(places)
    for (const doc of docs) expect((await store.read(doc))?.records).toEqual([record])
  })

  test("that left a document where it was lets no server without that database make it anew", async () => {
    const databases = await makeDatabases(2)
    const store = openShards(databases)
    const docs = named(10)
    for (const doc of docs) await write(store, doc)
    const [held] = await docsIn(databases[1])
    // A command of lf has it open.
    const { log } = await openShards(databases).open(held)
    const without = [addressOf(databases[1])]
    const { left } = await openShards(databases).rebalance({ without })
    expect(left.map(({ document }) => document)).toEqual([`main/${held}`])
    const early = openShards(databases.slice(0, 1))
    await expect(early.begin()).rejects.toThrow(/spread over 2 databases, and `shards` has 1 of them/)
    await expect(early.open(held)).rejects.toThrow(/name all/)
    await log.close()
    expect((await openShards(databases).rebalance({ without })).left).toEqual([])
    for (const doc of docs) expect((await openShards(databases.slice(0, 1)).read(doc))?.records).toEqual([record])
  })

  test("that has reached some databases alone lets no document be made twice", async () => {
    const databases = await makeDatabases(2)
    const { id, shards } = await beforeMoving(databases)
    const docs = named(40).filter((doc) => homeOf(`main/${doc}`, shards) === id)
    const stale = openShards(databases)
    await stale.begin()
    await databases[1].query("update lf.store set placement_version = 2, shards = $1, is_settled = false", [shards])
    const fresh = openShards(databases)
    // The first database does not know of it: what is made there is found by those who do.
    const { log } = await stale.open(docs[0])
    expect(await codeOf(fresh.open(docs[0]))).toBe("LOG_OWNED")
    // Before something is made at the second one, the first one has to know.
    await fresh.open(docs[1])
    expect(await codeOf(stale.open(docs[1]))).toBe("LOG_OWNED")
    await log.close()
    expect(await docsIn(databases[0])).toEqual([docs[0], "zero"].sort())
    expect(await docsIn(databases[1])).toEqual([docs[1]])
  })

  test("that comes between a lookup and the making of a document makes the server look again", async () => {
    const databases = await makeDatabases(2)
    const { id, shards } = await beforeMoving(databases)
    const doc = named(40).find((one) => homeOf(`main/${one}`, shards) === id) ?? ""
    const store = openShards(databases)
    await store.begin()
    let tries = 0
    beforeStatement("insert into lf.document (doc, owner, fence, number) select", async () => {
      if (++tries > 1) return
      for (const database of databases)
        await database.query("update lf.store set placement_version = 2, shards = $1, is_settled = false", [shards])
    })
    await write(store, doc)
    expect(await docsIn(databases[1])).toEqual([doc])
  })

  test("does not hide a document that moves while it is looked for", async () => {
    const databases = await makeDatabases(2)
    const { id, shards } = await beforeMoving(databases)
    const doc = named(40).find((one) => homeOf(`main/${one}`, shards) === id) ?? ""
    await write(openShards(databases), doc)
    for (const database of databases)
      await database.query("update lf.store set placement_version = 2, shards = $1, is_settled = false", [shards])
    const store = openShards(databases)
    await store.begin()
    const [from, to] = databases.map(shardOf)
    let looks = 0
    beforeStatement("on doc = $1 left join lf.node", async () => {
      if (++looks === 2)
        await Promise.all([from.begin(), to.begin()]).then(() => moveDocument(`main/${doc}`, { from, to }))
    })
    // It is not at its home yet, and then at the other database no more.
    expect(await store.has(doc)).toBe(true)
    expect(looks).toBeGreaterThan(2)
    expect(await docsIn(databases[1])).toContain(doc)
  })

  test("one whose lock is lost settles nothing: another call may have begun", async () => {
    const databases = await makeDatabases(2)
    await beforeMoving(databases)
    const cut =
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"
    beforeStatement("select doc, moved_to from lf.document", async () => {
      await databases[0].query(cut)
    })
    const store = openShards(databases)
    expect(await codeOf(store.rebalance())).toBe("LOG_FAILED")
    expect((await placementOf(databases[0])).is_settled).toBe(false)
    vi.restoreAllMocks()
    expect((await store.rebalance()).left).toEqual([])
    expect((await placementOf(databases[0])).is_settled).toBe(true)
  })

  test("one that was paused while it copied, and replaced, moves nothing away (I14)", async () => {
    const databases = await makeDatabases(2)
    const store = openShards(databases, { ownerWaitMs: 3_000 })
    await write(store, "zero")
    const { shards } = await placementOf(databases[0])
    const { id } = await placementOf(databases[1])
    const doc = named(20).find((one) => homeOf(`main/${one}`, shards) === id) ?? ""
    await write(store, doc)
    const mover = openShards(databases)
    let pauses = 0
    beforeStatement("update lf.document set moved_to", async () => {
      if (++pauses > 1) return
      const ended = "update lf.node set lease_until = clock_timestamp() - interval '1 ms' where id = $1"
      await Promise.all(databases.map((database) => database.query(ended, [mover.nodeId])))
      await write(store, doc)
    })
    expect((await mover.rebalance({ without: [addressOf(databases[1])] })).left).toEqual([])
    expect(pauses).toBeGreaterThan(1)
    expect((await store.read(doc))?.records).toHaveLength(2)
    expect(await docsIn(databases[0])).toEqual([doc, "zero"])
    expect(await docsIn(databases[1])).toEqual([])
  })

  test("cut before any of its changes it has lost nothing; the next call finishes it", async () => {
    const databases = await makeDatabases(2)
    await databases[0].query("create role mover login superuser")
    const store = openShards(databases, { ownerWaitMs: 3_000 })
    await store.begin()
    const [one, other] = await Promise.all(databases.map(placementOf))
    const homeIs = (id: string) => named(40).find((doc) => homeOf(`main/${doc}`, one.shards) === id) ?? ""
    const [stays, moves] = [homeIs(one.id), homeIs(other.id)]
    const all = [stays, moves].sort()
    const without = [addressOf(databases[1])]
    await write(store, stays)
    let cuts = 0
    for (let isCut = true; isCut; cuts++) {
      await write(store, moves)
      expect((await store.rebalance({ without })).left).toEqual([])
      isCut = await rebalanceCutAfter(cuts, databases)
      expect([cuts, (await store.read(moves))?.records.length]).toEqual([cuts, 1])
      expect((await store.list()).map(({ docId }) => docId)).toEqual(all)
      if (cuts % 2 === 0) await write(store, moves)
      else {
        await store.delete(moves)
        expect(await store.has(moves)).toBe(false)
        await write(store, moves)
      }
      expect((await store.rebalance()).left).toEqual([])
      expect((await store.read(moves))?.records.length).toBe(cuts % 2 === 0 ? 2 : 1)
      expect(await Promise.all(databases.map(docsIn))).toEqual([[stays], [moves]])
      expect((await Promise.all(databases.map(placementOf))).map((place) => place.is_settled)).toEqual([true, true])
      await store.delete(moves)
    }
    expect(cuts).toBeGreaterThan(10)
  }, 120_000)
})

/** Two databases of which the first has all documents. What the placement of both would be. */
async function beforeMoving(databases: readonly TestDatabase[]): Promise<{ id: string; shards: string[] }> {
  const alone = openShards(databases.slice(0, 1))
  await write(alone, "zero")
  await alone.close()
  await openShards(databases).begin()
  const [first, { id }] = await Promise.all(databases.map(placementOf))
  return { id, shards: [first.id, id].sort() }
}

/** Runs `work` before each statement of a pool that has this text, and sends it then. */
function beforeStatement(part: string, work: () => Promise<void>): void {
  const query: (this: pg.Client, ...args: unknown[]) => unknown = pg.Client.prototype.query
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === "object" && first !== null && "text" in first ? first.text : first
    if (typeof text !== "string" || !text.includes(part)) return query.apply(this, args)
    return work().then(() => query.apply(this, args))
  } as never)
}

function shardOf({ connectionString }: TestDatabase): Shard {
  const shard = new Shard({
    connections: connectionsTo(connectionString),
    namespace: "main",
    nodeId: "mover",
    host: new TestTimers(),
    stores: () => [],
    openOrReach: () => Promise.reject(new Error("it opens nothing")),
    onReleased: () => {},
  })
  later(() => shard.close())
  return shard
}

/** A read leaves all as it was. */
const CHANGES = /^\s*(?:insert|update|delete|commit|with (?:moved|placed))/

function addressOf({ connectionString }: TestDatabase): string {
  const { host, pathname } = new URL(connectionString)
  return `postgres://${host}${pathname}`
}

/** As by a kill: no statement of it runs after so many that change something. False: it needed no more. */
async function rebalanceCutAfter(changes: number, databases: readonly TestDatabase[]): Promise<boolean> {
  const shards = databases.map((database) => database.connectionStringOf("mover"))
  const mover = openShards(databases, { shards })
  await mover.begin()
  let left = changes
  const query: (this: pg.Client, ...args: unknown[]) => unknown = pg.Client.prototype.query
  const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const text = typeof args[0] === "string" ? args[0] : ""
    const isChange = CHANGES.test(text) && !text.includes("insert into lf.node")
    if (this.user !== "mover" || (left > 0 && !isChange) || left-- > 0) return query.apply(this, args)
    const error = new Error("cut")
    const callback = args.at(-1)
    // As a pool calls it.
    if (typeof callback === "function") return queueMicrotask(() => callback(error))
    return Promise.reject(error)
  } as never)
  const wasCut = (await codeOf(mover.rebalance())) !== "done"
  await mover.close()
  spy.mockRestore()
  const ended = "update lf.node set lease_until = clock_timestamp() where id = $1"
  await Promise.all(databases.map((database) => database.query(ended, [mover.nodeId])))
  return wasCut
}
