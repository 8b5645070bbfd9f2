import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { sql } from "@lf/core"
import { bytesToPresence, presenceToBytes } from "@lf/core/internal"
import pg from "pg"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { addTo, cleanUp, idsIn, later, type TestClient } from "../../next/src/testing/fixture.ts"
import { Node } from "../../next/src/testing/sharing-server.ts"
import { codeOf, type TestDatabase, testServer } from "./testing/server.ts"

const server = testServer()
let database: TestDatabase
let docs = 0

beforeAll(async () => {
  database = await server.makeDatabase()
}, 60_000)
afterEach(cleanUp)

const startNode = async (options: Parameters<TestDatabase["openStore"]>[0] = {}) =>
  Node.start(await database.openStore(options))

const newDoc = () => `doc-${++docs}`
const titles = sql<{ title: string }>`select title from todos order by title`

/** An owner with a row, and two servers that relay to it. */
async function threeNodes() {
  const doc = newDoc()
  const nodes = [await startNode(), await startNode(), await startNode()] as const
  await addTo(nodes[0].rooms, doc, "a")
  return { doc, nodes }
}

const shows = (client: TestClient, rows: readonly string[]) =>
  expect.poll(() => client.titles(), { timeout: 5_000 }).toEqual(rows)

describe("a server that does not own a document", () => {
  test("syncs its clients with those of the owner and of a third server, both ways (I5)", async () => {
    const { doc, nodes } = await threeNodes()
    const clients = await Promise.all(nodes.map((node) => node.client(doc)))
    for (const client of clients) await shows(client, ["a"])
    for (const [i, client] of clients.entries())
      expect(await client.add(`b${i}`).remote).toMatchObject({ type: "applied" })
    for (const client of clients) await shows(client, ["a", "b0", "b1", "b2"])
    const [first] = clients
    for (const { local } of clients) expect(local.base).toEqual(first.local.base)
  })

  test("reports rejections and refusals to their author alone (I10, T38)", async () => {
    const { doc, nodes } = await threeNodes()
    const [here, there] = [await nodes[1].client(doc), await nodes[2].client(doc)]
    expect(await here.add("x", "bad").remote).toMatchObject({ type: "rejected", code: "not-welcome" })
    nodes[1].mayWrite = () => false
    expect(await here.add("y").remote).toMatchObject({ type: "rejected", code: "MUTATION_FORBIDDEN" })
    nodes[1].mayWrite = () => true
    expect(await here.add("z").remote).toMatchObject({ type: "applied" })
    await shows(there, ["a", "z"])
  })

  test("binds a client id to its user for all servers (S4)", async () => {
    const { doc, nodes } = await threeNodes()
    const ann = await nodes[1].client(doc, "ann")
    expect(await ann.add("b").remote).toMatchObject({ type: "applied" })
    const { document, leave } = await nodes[2].rooms.enter(doc, { create: false })
    const sent: string[] = []
    const pipe = { send: () => {}, close: (code: string) => void sent.push(code), listen: () => {} }
    const hello = {
      type: "hello",
      protocol: 5,
      docId: doc,
      secret: ann.local.secret,
      epoch: "",
      cursor: 0,
      schema: [],
      token: "",
    } as const
    document.connect({ pipe, hello: hello as never, rights: { user: "ben" } })
    await expect.poll(() => sent).toEqual(["CLIENT_PROOF"])
    leave()
  })

  test("gives a new client a large document in parts, as the owner would", async () => {
    const { doc, nodes } = await threeNodes()
    const writer = await nodes[0].client(doc)
    for (let i = 0; i < 40; i++) writer.add(`row${i}`, crypto.randomUUID().repeat(2_000))
    await expect.poll(() => writer.local.pendingCount, { timeout: 20_000 }).toBe(0)
    const reader = await nodes[1].client(doc)
    await expect.poll(() => reader.titles().length, { timeout: 20_000 }).toBe(41)
    expect(reader.local.base.pageCount).toBeGreaterThan(600)
  }, 60_000)

  test("pages that many of its clients get come from the owner once, also in their first syncs", async () => {
    const { doc, nodes } = await threeNodes()
    const writer = await nodes[0].client(doc)
    writer.add("large", randomBytes(100_000).toString("base64"))
    await expect.poll(() => writer.local.pendingCount, { timeout: 20_000 }).toBe(0)
    await database.query("create table mail_bytes (bytes bigint)")
    await database.query(`create function count_mail() returns trigger language plpgsql as $$
      begin insert into mail_bytes select sum(length(body)) from fresh; return null; end $$`)
    await database.query(`create trigger counting after insert on lf.mail referencing new table as fresh
      for each statement execute function count_mail()`)
    later(() => database.query("drop function count_mail cascade"))
    const mail = async () => {
      const [{ n }] = await database.query<{ n: string }>("select coalesce(sum(bytes), 0) as n from mail_bytes")
      return Number(n)
    }
    const readers = await Promise.all(Array.from({ length: 12 }, () => nodes[1].client(doc)))
    const allShow = async (count: number) => {
      for (const reader of readers) await expect.poll(() => reader.titles().length, { timeout: 20_000 }).toBe(count)
    }
    await allShow(2)
    const first = await mail()
    // Random bytes do not compress. Twice: some may have had an older position.
    expect(first).toBeLessThan(250_000)
    writer.add("next", randomBytes(100_000).toString("base64"))
    await allShow(3)
    expect((await mail()) - first).toBeLessThan(250_000)
  }, 60_000)

  test("shows who is present, whatever their server", async () => {
    const { doc, nodes } = await threeNodes()
    const [here, there] = [await nodes[1].client(doc), await nodes[2].client(doc)]
    await shows(here, ["a"])
    await shows(there, ["a"])
    const seen: unknown[] = []
    there.presences.watch(({ changed, gone }) => {
      seen.push(...changed.map(({ value }) => bytesToPresence(value)), ...gone.map(() => "gone"))
    })
    here.presences.set("tab", presenceToBytes({ at: "row 1" }))
    await expect.poll(() => seen).toEqual([{ at: "row 1" }])
    here.session.stop()
    await expect.poll(() => seen).toEqual([{ at: "row 1" }, "gone"])
  })

  test("reads, waits, mutates and deletes for its own process", async () => {
    const { doc, nodes } = await threeNodes()
    const node = nodes[1]
    await node.within(doc, async (document) => {
      const { rows, lsn } = await document.readAt(titles)
      expect(rows).toEqual([{ title: "a" }])
      expect(await document.position()).toBe(lsn)
      const outcome = await document.mutate("Add", { id: "b", title: "b" }, null)
      expect(outcome).toEqual({ type: "applied", lsn: lsn + 1 })
      const bad = document.mutate("Add", { id: "c", title: "bad" }, null)
      expect(await bad).toEqual({ type: "rejected", code: "not-welcome", data: { title: "bad" } })
      expect(await codeOf(document.mutate("Unknown", {}, null))).toBe("MUTATION_UNKNOWN")
      expect(await codeOf(document.mutate("Add", { id: () => 0 }, null))).toBe("MUTATION_ARGS_INVALID")
      expect(await codeOf(document.readAt(sql`select nothing`))).toBe("SQL_ERROR")
      const values = await document.readAt(sql`select 1 i, 2.5 r, null n, x'00ff' b, 'ü' t, 9007199254740993 big`)
      expect(values.rows).toEqual([{ i: 1, r: 2.5, n: null, b: Uint8Array.of(0, 255), t: "ü", big: 9007199254740993n }])
      const many = sql<{
        n: number
      }>`with recursive c(n) as (select 1 union all select n + 1 from c where n < 101000) select n from c`
      expect((await document.readAt(many)).rows).toHaveLength(101_000)
    })
    expect(await idsIn(nodes[0].rooms, doc)).toEqual(["a", "b"])
    await nodes[2].rooms.delete(doc)
    await expect.poll(() => codeOf(idsIn(node.rooms, doc))).toBe("DOC_NOT_FOUND")
  })

  test("is notified when watched rows may have changed, once", async () => {
    const { doc, nodes } = await threeNodes()
    const { document, leave } = await nodes[1].rooms.enter(doc, { create: false })
    let changes = 0
    const watched = await document.readAt(titles, () => changes++)
    await addTo(nodes[2].rooms, doc, "b")
    await expect.poll(() => changes).toBe(1)
    await addTo(nodes[2].rooms, doc, "c")
    watched.stop()
    const stopped = await document.readAt(titles, () => changes++)
    stopped.stop()
    await addTo(nodes[2].rooms, doc, "d")
    expect(await document.position()).toBeGreaterThan(watched.lsn)
    expect(changes).toBe(1)
    leave()
  })

  test("keeps its clients when the owner stops: they go on within a second, and nothing is lost (I3, I9)", async () => {
    const { doc, nodes } = await threeNodes()
    const clients = [await nodes[1].client(doc), await nodes[2].client(doc)]
    const outcomes: Promise<{ type: string }>[] = []
    let n = 0
    const load = setInterval(() => {
      for (const [i, client] of clients.entries()) outcomes.push(client.add(`${i}-${n}`).remote)
      n++
    }, 10)
    await sleep(200)
    await nodes[0].rooms.close()
    await sleep(1_000)
    clearInterval(load)
    const decided = await Promise.all(outcomes)
    expect(decided.every(({ type }) => type === "applied")).toBe(true)
    for (const client of clients) await expect.poll(() => client.titles().length).toBe(2 * n + 1)
  })

  test("goes on after the connections of its mail were cut", async () => {
    const { doc, nodes } = await threeNodes()
    const [here, there] = [await nodes[1].client(doc), await nodes[2].client(doc)]
    await shows(here, ["a"])
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('lf mail out', 'lf mail in', 'lf notices')",
    )
    expect(await here.add("b").remote).toMatchObject({ type: "applied" })
    expect(await there.add("c").remote).toMatchObject({ type: "applied" })
    await shows(here, ["a", "b", "c"])
    await shows(there, ["a", "b", "c"])
  })

  test("goes on after the database was started anew, without the mail that was in it", async () => {
    const { doc, nodes } = await threeNodes()
    const clients = [await nodes[0].client(doc), await nodes[1].client(doc)]
    for (const client of clients) await shows(client, ["a"])
    const early = clients.map((client, i) => client.add(`early${i}`).remote)
    await server.restart()
    const late = clients.map((client, i) => client.add(`late${i}`).remote)
    for (const outcome of await Promise.all([...early, ...late])) expect(outcome).toMatchObject({ type: "applied" })
    for (const client of clients) await shows(client, ["a", "early0", "early1", "late0", "late1"])
  }, 60_000)

  test("finds mail that no notice announces, and mail that is too long for one (T22)", async () => {
    // Found before PostgreSQL's own: it says nothing.
    await database.query("create function public.pg_notify(text, text) returns void language sql as $$ select null $$")
    const connectionString = `${database.connectionString}?options=-c%20search_path%3Dpublic%2Cpg_catalog`
    try {
      const [owner, other] = [await startNode({ connectionString }), await startNode({ connectionString })]
      const doc = newDoc()
      await addTo(owner.rooms, doc, "a")
      const client = await other.client(doc)
      await shows(client, ["a"])
      expect(await client.add("b").remote).toMatchObject({ type: "applied" })
    } finally {
      await database.query("drop function public.pg_notify(text, text)")
    }
  })

  test("sends notices to the other servers of the store, not to itself", async () => {
    const { doc, nodes } = await threeNodes()
    // A server that has served nothing yet has no clients to look at.
    await idsIn(nodes[2].rooms, doc)
    await idsIn(nodes[1].rooms, doc)
    nodes[1].rooms.notify("look again")
    await expect
      .poll(() => [nodes[0].notices, nodes[1].notices, nodes[2].notices])
      .toEqual([["look again"], [], ["look again"]])
  })

  test("says nothing on a channel that a role without rights on the schema could name (S23)", async () => {
    const { doc, nodes } = await threeNodes()
    await database.query("create role stranger login")
    const stranger = new pg.Client({ connectionString: database.connectionStringOf("stranger") })
    await stranger.connect()
    const came: string[] = []
    stranger.on("notification", ({ payload = "" }) => void came.push(payload))
    for (const channel of ["lf", "lf notices", "lf mail", "lf main"]) await stranger.query(`listen "${channel}"`)
    for (const secret of ["select secret from lf.store", "select id from lf.node", "select * from lf.mail"])
      await expect(stranger.query(secret)).rejects.toMatchObject({ code: "42501" })
    const seen = await stranger.query("select query from pg_stat_activity where application_name like 'lf%'")
    expect(seen.rows.every(({ query }) => query === "<insufficient privilege>")).toBe(true)
    const client = await nodes[1].client(doc)
    expect(await client.add("b").remote).toMatchObject({ type: "applied" })
    nodes[1].rooms.notify("look again")
    await expect.poll(() => nodes[0].notices).toEqual(["look again"])
    await stranger.query("select 1")
    expect(came).toEqual([])
    await stranger.end()
  })

  test("leaves no mail behind, and ends what it relayed", async () => {
    const { doc, nodes } = await threeNodes()
    const client = await nodes[1].client(doc)
    expect(await client.add("b").remote).toMatchObject({ type: "applied" })
    for (const node of nodes) await node.rooms.close()
    expect(await database.query("select * from lf.mail")).toEqual([])
  })
})

describe("a server itself", () => {
  /** What the server of this address answers; null: there is none. */
  async function ask(node: Node, address: string): Promise<number | string | null> {
    const pipe = await node.peers.reachServer(address)
    return pipe === null
      ? null
      : await new Promise((resolve) => {
          pipe.listen({ frame: ([length]) => resolve(length), closed: resolve })
          pipe.send(new Uint8Array(20))
        })
  }

  test("is reached by its address, whatever its documents; none, or one that ended, is not", async () => {
    const { nodes } = await threeNodes()
    const [near, far] = [nodes[0], await startNode()]
    expect(await ask(near, far.peers.address)).not.toBe(20) // it has not begun
    await far.rooms.has("any")
    expect(await ask(near, far.peers.address)).toBe(20)
    expect(await ask(near, "none")).toBeNull()
    await far.rooms.close()
    expect(await ask(near, far.peers.address)).not.toBe(20)
  })

  test("has an address that says nothing of its mailbox (S23)", async () => {
    const { nodes } = await threeNodes()
    const ids = await database.query("select id from lf.node")
    for (const { id } of ids as { id: string }[])
      for (const { peers } of nodes) {
        expect(id).not.toContain(peers.address)
        expect(peers.address).not.toContain(id)
      }
  })
})
