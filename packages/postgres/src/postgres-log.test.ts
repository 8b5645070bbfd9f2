import { setTimeout as sleep } from "node:timers/promises"
import { type DocumentLog, loadChecksum, pagesChecksum } from "@lf/core/internal"
import { beforeAll, describe, expect, test, vi } from "vitest"
import { chainOf, checkpointOf, logContract } from "../../core/src/testing/log-contract.ts"
import { Appender } from "./appender.ts"
import { connectionsTo } from "./connection.ts"
import { LEASE_MS } from "./lease.ts"
import { encodeRow } from "./recovery.ts"
import { migrateStore, STORE_VERSION } from "./schema.ts"
import { type PostgresStore, postgresStore } from "./store.ts"
import { codeOf, type TestDatabase, TestTimers, testServer } from "./testing/server.ts"

await loadChecksum()
const server = testServer()
let database: TestDatabase
/** Two nodes. */
let one: PostgresStore
let other: PostgresStore
let docs = 0

beforeAll(async () => {
  database = await server.makeDatabase()
  one = await database.openStore()
  other = await database.openStore()
}, 60_000)

const newDoc = () => `doc-${++docs}`
const [record] = chainOf("s", ["1"])
/** Of the document that $1 names. */
const NUMBER = "(select number from lf.document where doc = 'main/' || $1::text)"

/** The document has no owner any more, and its owner does not know. */
function forgetOwner(doc: string): Promise<object[]> {
  return database.query("update lf.document set owner = null where doc = 'main/' || $1::text", [doc])
}

function expire(nodeId: string): Promise<object[]> {
  return database.query("update lf.node set lease_until = clock_timestamp() - interval '1 ms' where id = $1", [nodeId])
}

logContract("PostgreSQL", async () => {
  const doc = newDoc()
  let next = one
  return {
    open: () => next.open(doc),
    isOwned: true,
    async damageFirstGroup() {
      await database.query(
        `update lf.log set bytes = set_byte(bytes, 45, get_byte(bytes, 45) # 1)
         where document = ${NUMBER} and position = (select min(position) from lf.log where document = ${NUMBER})`,
        [doc],
      )
    },
    async depose() {
      await forgetOwner(doc)
      next = other
    },
    dispose: async () => {},
  }
})

describe("owners (I14)", () => {
  test("of two appends that state one fence and position exactly one is written, 200 of 200", async () => {
    const doc = newDoc()
    await (await one.open(doc)).log.close()
    const [{ fence }] = await database.query<{ fence: string }>(
      "select fence from lf.document where doc = 'main/' || $1::text",
      [doc],
    )
    const nodes = [connectionsTo(database.connectionString), connectionsTo(database.connectionString)]
    const appenders = nodes.map(({ appends }) => new Appender(appends))
    for (let position = 0; position < 200; position++) {
      const flush = { doc: `main/${doc}`, fence: BigInt(fence), position, bytes: new Uint8Array([position]) }
      const written = await Promise.all(appenders.map((appender) => appender.append(flush)))
      expect(written.filter(Boolean).length).toBe(1)
    }
    const [{ count }] = await database.query<{ count: number }>(
      `select count(*)::int as count from lf.log where document = ${NUMBER}`,
      [doc],
    )
    expect(count).toBe(200)
    await Promise.all(nodes.map((node) => node.end()))
  })

  test("an append beside a takeover is found by the new owner, or refused (I3)", async () => {
    const doc = newDoc()
    let expected = 0
    for (let i = 0; i < 30; i++) {
      const old = await one.open(doc)
      await forgetOwner(doc)
      const append = codeOf(old.log.append([record]))
      const next = await other.open(doc)
      if ((await append) === "done") expected++
      expect(next.records.length).toBe(expected)
      await Promise.all([old.log.close(), next.log.close()])
    }
  })

  test("a deposed owner's appends and rollups are refused, 100 of 100", async () => {
    const doc = newDoc()
    for (let i = 0; i < 50; i++) {
      const appends = await one.open(doc)
      await forgetOwner(doc)
      const rolls = await other.open(doc)
      // Half of them have written their pages already, so that the rollup's own statement must refuse.
      const checkpoint = checkpointOf(1, 1)
      if (i % 2 === 0) await rolls.log.prepare?.(checkpoint.pages)
      await forgetOwner(doc)
      expect(await codeOf(appends.log.append([record]))).toBe("LOG_DEPOSED")
      await appends.log.close()
      const last = await one.open(doc)
      expect(await codeOf(rolls.log.rollup(checkpoint, []))).toBe("LOG_DEPOSED")
      await Promise.all([rolls.log.close(), last.log.close()])
    }
    expect(await database.query(`select position from lf.log where document = ${NUMBER}`, [doc])).toEqual([])
    expect(await database.query("select doc from lf.checkpoint_part where doc = 'main/' || $1::text", [doc])).toEqual(
      [],
    )
  })

  test("a document that is refused does not disturb the others of its statement", async () => {
    const opened = await Promise.all(Array.from({ length: 10 }, () => one.open(newDoc())))
    await database.query("update lf.document set fence = nextval('lf.number') where doc = 'main/' || $1::text", [
      `doc-${docs - 4}`,
    ])
    const codes = await Promise.all(opened.map(({ log }) => codeOf(log.append([record]))))
    expect(codes.filter((code) => code === "LOG_DEPOSED").length).toBe(1)
    expect(codes.filter((code) => code === "done").length).toBe(9)
    await Promise.all(opened.map(({ log }) => log.close()))
  })

  test("a document that was deleted and made again refuses its old owner", async () => {
    const doc = newDoc()
    const { log } = await one.open(doc)
    await expect(one.delete(doc)).rejects.toMatchObject({ code: "LOG_OWNED" })
    await expect(other.delete(doc)).rejects.toMatchObject({ code: "LOG_OWNED" })
    await forgetOwner(doc)
    await other.delete(doc)
    const again = await other.open(doc)
    expect(await codeOf(log.append([record]))).toBe("LOG_DEPOSED")
    await Promise.all([log.close(), again.log.close()])
  })
})

describe("the lease", () => {
  test("is judged by the database's clock: a node whose clock is a day off neither takes nor loses", async () => {
    const doc = newDoc()
    const { log } = await one.open(doc)
    vi.useFakeTimers({ now: Date.now() + 86_400_000, toFake: ["Date"] })
    try {
      await expect(other.open(doc)).rejects.toMatchObject({ code: "LOG_OWNED" })
      await log.append([record])
      await log.close()
      const late = await other.open(doc)
      vi.setSystemTime(Date.now() - 2 * 86_400_000)
      await expect(one.open(doc)).rejects.toMatchObject({ code: "LOG_OWNED" })
      await late.log.close()
    } finally {
      vi.useRealTimers()
    }
  })

  test("that ran out lets others take; the next renewal ends the logs that were taken, and only those", async () => {
    const timers = new TestTimers()
    const paused = await database.openStore({ host: timers })
    const [taken, kept] = [newDoc(), newDoc()]
    const [first, second] = [await paused.open(taken), await paused.open(kept)]
    await expect(other.open(taken)).rejects.toMatchObject({ code: "LOG_OWNED" })
    await expire(paused.nodeId)
    const theirs = await other.open(taken)
    const ended = new Promise((resolve) => first.log.watch?.(resolve))
    timers.runDue()
    expect(await ended).toMatchObject({ code: "LOG_DEPOSED" })
    expect(await codeOf(first.log.append([record]))).toBe("LOG_DEPOSED")
    expect(await codeOf(second.log.append([record]))).toBe("done")
    await theirs.log.close()
  })

  test("runs out by itself, and so does the claim of a node whose row is gone", async () => {
    const silent = await database.openStore({ host: new TestTimers() })
    const [doc, another] = [newDoc(), newDoc()]
    await silent.open(doc)
    await silent.open(another)
    const startedMs = performance.now()
    while ((await codeOf(other.open(doc))) !== "done") expect(performance.now() - startedMs).toBeLessThan(LEASE_MS * 3)
    await database.query("delete from lf.node where id = $1", [silent.nodeId])
    expect(await codeOf(other.open(another))).toBe("done")
  })

  test("ends with the store, and its documents are free", async () => {
    const closing = await database.openStore()
    const doc = newDoc()
    await closing.open(doc)
    await closing.close()
    expect(await codeOf(one.open(doc))).toBe("done")
    expect(await database.query("select id from lf.node where id = $1", [closing.nodeId])).toEqual([])
    expect(await codeOf(closing.open(doc))).toBe("LOG_CLOSED")
  })
})

describe("what is at rest", () => {
  async function written(): Promise<string> {
    const doc = newDoc()
    const { log } = await one.open(doc)
    for (const text of chainOf("s", ["1", "2", "3"])) await log.append([text])
    await log.close()
    return doc
  }

  test.each([
    ["a row in the middle is missing", `delete from lf.log where document = ${NUMBER} and position = 2`],
    ["the last row is missing", `delete from lf.log where document = ${NUMBER} and position = 3`],
    [
      "a row ends early",
      `update lf.log set bytes = substring(bytes from 1 for length(bytes) - 9) where document = ${NUMBER}`,
    ],
    ["a row is empty", `update lf.log set bytes = '' where document = ${NUMBER} and position = 3`],
    [
      "a row has another's place",
      `update lf.log set bytes = (select bytes from lf.log where document = ${NUMBER} and position = 1) where document = ${NUMBER}`,
    ],
  ])("%s: LOG_CORRUPT, and the document is free again (I11)", async (_, damage) => {
    const doc = await written()
    await database.query(damage, [doc])
    expect(await codeOf(one.open(doc))).toBe("LOG_CORRUPT")
    expect(await codeOf(other.open(doc))).toBe("LOG_CORRUPT")
  })

  test("a row of another document does not parse (T18)", async () => {
    const [from, to] = [await written(), await written()]
    await database.query(
      `update lf.log set bytes = (select bytes from lf.log where document = ${NUMBER} and position = 2)
       where document = ${NUMBER.replace("$1", "$2")} and position = 2`,
      [from, to],
    )
    expect(await codeOf(one.open(to))).toBe("LOG_CORRUPT")
  })

  test.each([
    ["part is missing", "delete from lf.checkpoint_part where doc = 'main/' || $1::text and part = 1"],
    [
      "part is short",
      "update lf.checkpoint_part set bytes = substring(bytes from 1 for 4096) where doc = 'main/' || $1::text",
    ],
    [
      "part is damaged",
      "update lf.checkpoint_part set bytes = set_byte(bytes, 9, 200) where doc = 'main/' || $1::text and part = 1",
    ],
    ...["meta", "page_count", "pages_checksum"].map((column) => [
      `${column} is missing`,
      `update lf.document set ${column} = null where doc = 'main/' || $1::text`,
    ]),
  ])("of a checkpoint %s: LOG_CORRUPT (I11)", async (_, damage) => {
    const doc = newDoc()
    const { log } = await one.open(doc)
    await log.rollup(checkpointOf(1, 300), [])
    await log.close()
    await database.query(damage, [doc])
    expect(await codeOf(one.open(doc))).toBe("LOG_CORRUPT")
  })

  test("parts that no rollup pointed to are removed at the next opening, rows before a rollup with it", async () => {
    const doc = newDoc()
    const first = await one.open(doc)
    await first.log.append([record])
    await first.log.rollup(checkpointOf(1, 300), [record])
    await first.log.prepare?.(checkpointOf(2, 600).pages)
    await first.log.close()
    const count = "select count(*)::int as count from lf.checkpoint_part where doc = 'main/' || $1::text"
    expect(await database.query(count, [doc])).toEqual([{ count: 5 }])
    const second = await other.open(doc)
    expect(await database.query(count, [doc])).toEqual([{ count: 2 }])
    expect(await database.query(`select position from lf.log where document = ${NUMBER}`, [doc])).toEqual([
      { position: "2" },
    ])
    await second.log.close()
  })

  test("documents are listed with their bytes and deleted with their rows", async () => {
    const own = await server.makeDatabase()
    const store = await own.openStore()
    expect([await store.list(), await store.has("a")]).toEqual([[], false])
    const { log } = await store.open("a")
    await log.append([record])
    await log.rollup(checkpointOf(1, 3), [])
    const [listed] = await store.list()
    expect(listed).toMatchObject({ docId: "a", bytes: 3 * 4096 + 40 })
    expect(Math.abs(listed.changedAt.getTime() - Date.now())).toBeLessThan(60_000)
    expect(await store.has("a")).toBe(true)
    await log.close()
    await store.delete("a")
    expect([await store.list(), await store.has("a")]).toEqual([[], false])
    for (const table of ["log", "checkpoint_part"]) expect(await own.query(`select from lf.${table}`)).toEqual([])
    await store.delete("a")
  })

  test("updates of documents' rows touch no index, also on pages that idle documents filled", async () => {
    const own = await server.makeDatabase()
    const store = await own.openStore()
    await own.query(
      `insert into lf.document (doc, fence) select 'main/doc-' || i, 0 from generate_series(1, 1000) as i`,
    )
    // They stand beside each other.
    const logs = await Promise.all(Array.from({ length: 50 }, async (_, i) => (await store.open(`doc-${i + 1}`)).log))
    const appendAll = async (times: number) => {
      for (let i = 0; i < times; i++) await Promise.all(logs.map((log) => log.append([record])))
    }
    const size =
      "select pg_relation_size('lf.document_pkey')::int as bytes, pg_relation_size('lf.document')::int as rows"
    await appendAll(20)
    const [before] = await own.query<{ bytes: number; rows: number }>(size)
    await appendAll(200)
    expect(await own.query(size)).toEqual([before])
    await Promise.all(logs.map((log) => log.close()))
  })
})

describe("servers that share a database", () => {
  test("an opening waits for another owner: one that closes, and one whose lease runs out (I14)", async () => {
    const own = await server.makeDatabase()
    const first = await own.openStore()
    const second = await own.openStore({ ownerWaitMs: 3_000 })
    const { log } = await first.open("a")
    const waiting = second.open("a")
    await log.close()
    await (await waiting).log.close()
    const killed = await own.openStore({ host: new TestTimers() })
    await killed.open("a")
    const startedMs = performance.now()
    await (await second.open("a")).log.close()
    expect(performance.now() - startedMs).toBeLessThan(LEASE_MS + 1_000)
  })

  test("an owner that holds on is LOG_OWNED after the wait", async () => {
    const doc = newDoc()
    const { log } = await one.open(doc)
    const patient = await database.openStore({ ownerWaitMs: 200 })
    expect(await codeOf(patient.open(doc))).toBe("LOG_OWNED")
    await log.close()
  })

  test("an owner that another one deposed gets LOG_DEPOSED when it asks, and its log ends (I8, I14)", async () => {
    const doc = newDoc()
    const { log } = await one.open(doc)
    let ended = ""
    log.watch?.(({ code }) => {
      ended = code
    })
    await log.confirm?.()
    await forgetOwner(doc)
    const taken = await other.open(doc)
    expect([await codeOf(log.confirm?.() ?? Promise.resolve()), ended]).toEqual(["LOG_DEPOSED", "LOG_DEPOSED"])
    expect(await codeOf(log.append([record]))).toBe("LOG_DEPOSED")
    await taken.log.confirm?.()
    await Promise.all([log.close(), taken.log.close()])
  })

  test("documents of another namespace are others", async () => {
    const rows = await database.openStore({ namespace: "rows" })
    const mains = await database.openStore()
    const doc = newDoc()
    const [main, row] = await Promise.all([mains.open(doc), rows.open(doc)])
    await row.log.append([record])
    await Promise.all([main.log.close(), row.log.close()])
    expect((await rows.list()).map(({ docId }) => docId)).toEqual([doc])
    await rows.delete(doc)
    expect([await rows.has(doc), await mains.has(doc)]).toEqual([false, true])
    expect(rows.name).not.toBe(mains.name)
    expect(`${rows.name} ${mains.name}`).not.toContain("secret")
    expect(() => postgresStore({ connectionString: database.connectionString, namespace: "a/b" })).toThrow(TypeError)
  })
})

describe("refusals of the database (T19)", () => {
  async function failed(log: DocumentLog, message: RegExp): Promise<void> {
    const error = await log.append([record]).catch((caught) => caught)
    expect(error).toMatchObject({ code: "LOG_FAILED", message: expect.stringMatching(message) })
    expect(JSON.stringify([error, error.cause, error.message, error.stack])).not.toContain("secret")
    expect(await codeOf(log.append([record]))).toBe("LOG_FAILED")
  }

  test("without rights an append fails, and the log stays failed", async () => {
    const doc = newDoc()
    await database.query("create role limited login")
    await database.query("grant usage on schema lf to limited")
    await database.query("grant all on all tables in schema lf to limited")
    await database.query("grant all on lf.number to limited")
    const store = postgresStore({ connectionString: database.connectionStringOf("limited") })
    const { log } = await store.open(doc)
    await database.query("revoke insert on lf.log from limited")
    await failed(log, /42501.*rights/)
    await store.close()
  })

  test("an append waits for the disk, whatever others of a pooler left its connection with (I3)", async () => {
    const own = await server.makeDatabase()
    const store = await own.openStore()
    await own.query("create table seen (setting text)")
    await own.query(
      `create function note() returns trigger language plpgsql as $$ begin
         insert into seen values (current_setting('synchronous_commit'));
         perform set_config('synchronous_commit', 'off', false);
         return null;
       end $$`,
    )
    await own.query("create trigger note after insert on lf.log for each statement execute function note()")
    const { log } = await store.open("doc")
    for (const record of chainOf("s", ["a", "b", "c"])) await log.append([record])
    expect(await own.query("select setting from seen")).toEqual(Array(3).fill({ setting: "on" }))
    await log.close()
  })

  test("a small document is opened before nine large ones that were asked for first", async () => {
    const own = await server.makeDatabase()
    const [writer, reader] = [await own.openStore(), await own.openStore()]
    const large = Array.from({ length: 9 }, (_, i) => `large${i}`)
    const pages = Array.from({ length: 1_500 }, (_, i) => new Uint8Array(4096).fill(i))
    for (const docId of [...large, "small"]) {
      const { log } = await writer.open(docId)
      await log.rollup({ meta: new Uint8Array(0), pages: docId === "small" ? pages.slice(0, 1) : pages }, [])
      await log.close()
    }
    const opened: string[] = []
    await Promise.all([...large, "small"].map((docId) => reader.open(docId).then(() => opened.push(docId))))
    // Two large ones may be read meanwhile.
    expect(opened.indexOf("small")).toBeLessThan(3)
    await reader.close()
    await writer.close()
  }, 30_000)

  test("a database that became read-only, as after a failover, fails the log", async () => {
    const own = await server.makeDatabase()
    const store = await own.openStore()
    const { log } = await store.open("a")
    const [{ name }] = await own.query<{ name: string }>("select current_database() as name")
    await own.query(`alter database ${name} set default_transaction_read_only = on`)
    await own.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('lf', 'lf appends')",
    )
    // Until its end is noticed, and the append goes to a new one.
    await sleep(500)
    await failed(log, /25006.*primary/)
    await store.close()
  })

  test.each([
    ["no server answers", "postgres://lf:secret@127.0.0.1:1/x", /ECONNREFUSED/],
    ["the string cannot be read", "postgres://lf:secret@[oops/x", /connection string/],
  ])("%s: LOG_FAILED, and no error holds the password", async (_, connectionString, message) => {
    const error = await Promise.resolve()
      .then(() => postgresStore({ connectionString }).open("a"))
      .catch((caught) => caught)
    expect(error).toMatchObject({ code: "LOG_FAILED", message: expect.stringMatching(message) })
    expect(`${error.stack}${JSON.stringify(error)}${error.cause?.stack}${JSON.stringify(error.cause)}`).not.toContain(
      "secret",
    )
  })
})

describe("the schema", () => {
  test("several processes migrate a new database at once, and later ones change nothing", async () => {
    const { connectionString } = await server.makeDatabase()
    const stores = [1, 2, 3, 4].map(() => postgresStore({ connectionString }))
    const migrated = await Promise.all(stores.map((store) => store.migrate()))
    expect(migrated.map(({ from }) => from).sort()).toEqual([0, STORE_VERSION, STORE_VERSION, STORE_VERSION])
    expect(await codeOf(stores[1].open("a"))).toBe("done")
    await Promise.all(stores.map((store) => store.close()))
  })

  test("the first opening makes the tables, of several servers at once", async () => {
    const { connectionString } = await server.makeDatabase()
    const stores = [1, 2, 3, 4].map(() => postgresStore({ connectionString }))
    expect(await Promise.all(stores.map((store, i) => codeOf(store.open(`doc-${i}`))))).toEqual(Array(4).fill("done"))
    await Promise.all(stores.map((store) => store.close()))
  })

  test("a store of version 3 is migrated with its documents, and roles keep their rights", async () => {
    const old = await server.makeDatabase()
    const { work, end } = connectionsTo(old.connectionString)
    expect(await migrateStore(work, 3)).toEqual({ from: 0, to: 3 })
    await old.query("create role reader")
    await old.query("grant select on lf.log to reader")
    const records = chainOf("s", ["1", "2", "3"])
    for (const doc of ["main/a", "main/b"]) {
      await old.query("insert into lf.document (doc, fence, position) values ($1, nextval('lf.number'), 3)", [doc])
      for (const [i, one] of records.entries())
        await old.query("insert into lf.log (doc, position, bytes) values ($1, $2, $3)", [
          doc,
          i + 1,
          encodeRow(doc, i + 1, [one]),
        ])
    }
    await old.query("insert into lf.log (doc, position, bytes) values ('main/gone', 1, '')")
    const checkpoint = checkpointOf(1, 2)
    await old.query(
      `update lf.document set checkpoint = 9, meta = $1, page_count = 2, pages_checksum = $2 where doc = 'main/b'`,
      [checkpoint.meta, BigInt.asIntN(64, pagesChecksum(checkpoint.pages))],
    )
    await old.query("insert into lf.checkpoint_part (doc, checkpoint, part, bytes) values ('main/b', 9, 0, $1)", [
      Buffer.concat(checkpoint.pages),
    ])
    const store = postgresStore({ connectionString: old.connectionString })
    await expect(store.open("a")).rejects.toMatchObject({ message: expect.stringMatching(/lf migrate-store/) })
    expect(await store.migrate()).toEqual({ from: 3, to: STORE_VERSION })
    for (const doc of ["a", "b"]) {
      const opened = await store.open(doc)
      expect(opened.records).toEqual(records)
      expect(opened.checkpoint).toEqual(doc === "b" ? checkpoint : null)
      await opened.log.append([record])
      await opened.log.close()
      expect((await store.read(doc))?.records.length).toBe(4)
    }
    await store.delete("a")
    expect(await old.query("select document, position::int from lf.log order by position")).toEqual(
      [1, 2, 3, 4].map((position) => ({ document: expect.anything(), position })),
    )
    expect(await old.query("select has_table_privilege('reader', 'lf.log', 'select') as may")).toEqual([{ may: true }])
    await Promise.all([store.close(), end()])
    await old.query("drop owned by reader")
    await old.query("drop role reader")
  })

  test("a newer version is refused, an older one asks for the migration", async () => {
    const newer = await server.makeDatabase()
    const store = await newer.openStore()
    await newer.query("update lf.store set version = version + 1")
    expect(await codeOf(store.migrate())).toBe("LOG_FORMAT_NEWER")
    expect(await codeOf(store.open("a"))).toBe("LOG_FORMAT_NEWER")
    await newer.query("update lf.store set version = 0")
    await expect(store.open("a")).rejects.toMatchObject({
      code: "LOG_FORMAT_OLDER",
      message: expect.stringMatching(/migrate/),
    })
  })
})
