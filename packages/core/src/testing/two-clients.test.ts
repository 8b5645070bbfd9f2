import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Session } from "../local/session.ts"
import type { MemoryNetwork } from "../network/memory-network.ts"
import { Remote } from "../remote/remote.ts"
import { sql } from "../sqlite/sql.ts"
import { defineMutator } from "../timeline/mutator.ts"
import { copyLog } from "./copy-log.ts"
import { Add, host, loadSqlite, mutator, Toggle, titles, until, World } from "./small-world.ts"

beforeAll(loadChecksum)

describe("a mutation flows from one client through the server into another", () => {
  test("adds and toggles converge, pages are the same (I5, I19)", async () => {
    const world = new World()
    const remote = await world.startServer()
    const a = await world.client()
    const b = await world.client()
    a.local.run("Add", { id: "1", title: "one" })
    b.local.run("Add", { id: "2", title: "two" })
    expect(titles(a.local)).toEqual(["one"])
    await until(
      () =>
        titles(a.local).length === 2 &&
        titles(b.local).length === 2 &&
        a.local.pendingCount + b.local.pendingCount === 0,
    )
    b.local.run("Toggle", { id: "1" })
    await until(() => a.local.query<{ done: number }>(sql`select done from todos where id = '1'`)[0].done === 1)
    await until(() => a.local.cursor === remote.lsn() && b.local.cursor === remote.lsn())
    expect(a.local.base.checksum).toBe(remote.checksum)
    expect(b.local.base.checksum).toBe(remote.checksum)
    a.session.stop()
    b.session.stop()
  })

  test("a document made offline syncs later; a restart loses and doubles nothing (I3, I9)", async () => {
    const world = new World()
    const a = await world.client()
    const receipts = [1, 2, 3].map((i) => a.local.run("Add", { id: `a${i}`, title: `t${i}` }))
    await Promise.all(receipts.map((r) => r.durable))
    expect(a.local.pendingCount).toBe(3)
    await world.startServer()
    a.session.poke()
    expect(await receipts[2].remote).toMatchObject({ type: "applied" })
    await world.stopServer()
    a.local.run("Add", { id: "a4", title: "t4" })
    await world.startServer()
    a.session.poke()
    await until(() => a.local.pendingCount === 0)
    expect(titles(world.remote as Remote)).toEqual(["t1", "t2", "t3", "t4"])
    a.session.stop()
  })

  test("a rejection disappears from the view, is kept for its author, and blocks nothing (I10)", async () => {
    const world = new World()
    await world.startServer()
    const { local, session } = await world.client()
    const bad = local.run("Add", { id: "b", title: "bad" })
    local.run("Add", { id: "c", title: "fine" })
    expect(titles(local)).toEqual(["bad", "fine"])
    expect(await bad.remote).toEqual({ type: "rejected", code: "not-welcome", data: { title: "bad" } })
    await until(() => local.pendingCount === 0)
    expect(titles(local)).toEqual(["fine"])
    expect(local.rejections).toMatchObject([{ name: "Add", code: "not-welcome", data: { title: "bad" } }])
    await local.dismiss(bad.uid)
    expect(local.rejections).toEqual([])
    session.stop()
  })

  test("a cloned client loses nothing (T1)", async () => {
    const world = new World()
    await world.startServer()
    const a = await world.client()
    await a.local.run("Add", { id: "1", title: "one" }).remote
    a.session.stop()
    await a.local.close()
    const twin = new MemoryDisk()
    await copyLog(await a.disk.open("d"), await twin.open("d"))
    const x = await world.client(a.disk)
    const y = await world.client(twin)
    expect(x.local.clientId).toBe(y.local.clientId)
    for (let i = 0; i < 5; i++) {
      x.local.run("Add", { id: `x${i}`, title: `x${i}` })
      y.local.run("Add", { id: `y${i}`, title: `y${i}` })
    }
    await until(
      () =>
        x.local.pendingCount + y.local.pendingCount === 0 &&
        titles(x.local).length === 11 &&
        titles(y.local).length === 11,
    )
    expect(x.local.clientId).not.toBe(y.local.clientId)
    x.session.stop()
    y.session.stop()
  })

  test("a device restarted offline shows its base's rows once, also after a clone wrote (T1)", async () => {
    const world = new World()
    await world.startServer()
    const a = await world.client()
    await a.local.run("Add", { id: "1", title: "one" }).remote
    a.session.stop()
    await a.local.run("Toggle", { id: "1" }).durable
    await a.local.close()
    const twinDisk = new MemoryDisk()
    await copyLog(await a.disk.open("d"), await twinDisk.open("d"))
    const again = await world.client(a.disk)
    const twin = await world.client(twinDisk)
    await until(() => again.local.pendingCount === 0)
    await twin.local.run("Add", { id: "2", title: "of the clone" }).remote
    await until(() => titles(again.local).length === 2)
    again.session.stop()
    twin.session.stop()
    await again.local.close()
    const { local, session } = await world.client(a.disk)
    session.stop()
    expect(local.query(sql`select done from todos where id = '1'`)).toEqual([{ done: 1 }])
  })

  test("a server restored from an older copy is noticed, pending edits survive (T2)", async () => {
    const world = new World()
    await world.startServer()
    const a = await world.client()
    await a.local.run("Add", { id: "1", title: "one" }).remote
    await world.stopServer()
    const old = new World()
    await old.startServer()
    ;(old as { network: MemoryNetwork }).network = world.network
    world.remote = old.remote
    const kept = a.local.run("Add", { id: "2", title: "two" })
    world.network.setOnline(true)
    a.session.poke()
    expect(await kept.remote).toMatchObject({ type: "applied" })
    expect(titles(a.local)).toEqual(["two"])
    a.session.stop()
  })

  test.each([
    ["behind", 1],
    ["at the same position", 3],
    ["ahead", 5],
  ])(
    "a database that lost what it had acknowledged, and is %s by now, is noticed at once (T2, I5)",
    async (_, more) => {
      const world = new World()
      const remote = await world.startServer()
      await remote.mutate("Add", { id: "1", title: "before" }, null)
      const { epoch } = remote
      const backup = new MemoryDisk()
      await world.stopServer()
      await copyLog(await world.serverDisk.open("d"), await backup.open("d"))
      await world.startServer()
      const a = await world.client()
      for (const id of ["2", "3", "4"]) await a.local.run("Add", { id, title: `lost ${id}` }).remote
      await until(() => a.local.cursor === world.remote?.lsn())
      await world.stopServer()
      const kept = a.local.run("Add", { id: "9", title: "mine" })
      world.serverDisk = backup
      const other = await world.startServer()
      for (let i = 0; i < more; i++) await other.mutate("Add", { id: `5${i}`, title: `new ${i}` }, null)
      expect(other.epoch).toBe(epoch)
      a.session.poke()
      expect(await kept.remote).toMatchObject({ type: "applied" })
      await until(() => a.session.state.isUpToDate && a.local.base.checksum === other.checksum)
      expect(titles(a.local)).toEqual(["before", ...Array.from({ length: more }, (_, i) => `new ${i}`), "mine"])
      a.session.stop()
    },
  )

  test("after a migration older code is refused and keeps its edits, newer code sends them (T15)", async () => {
    const world = new World()
    await world.startServer()
    const old = await world.client()
    await old.local.run("Add", { id: "1", title: "one" }).remote
    await world.stopServer()
    const newer = defineMutator({
      migrations: [...mutator.migrations.map(({ sql: text }) => text), sql`alter table todos add column note text`],
      mutations: [Add, Toggle],
    })
    const opened = await world.serverDisk.open("d")
    world.remote = await Remote.recover({ opened, loadSqlite, mutator: newer, host })
    world.network.setOnline(true)
    old.session.poke()
    await until(() => old.session.state.status === "needs-update")
    expect(old.session.state.error?.code).toBe("SCHEMA_NEWER")
    await old.local.run("Add", { id: "2", title: "of old code" }).durable
    expect(titles(old.local)).toEqual(["one", "of old code"])
    old.session.stop()
    await old.local.close()
    const module = await loadSqlite()
    const local = new Local({ opened: await old.disk.open("d"), module, mutator: newer, host, user: null })
    const session = new Session({ docId: "d", local, network: world.network, host, onChange: () => {} })
    await until(() => local.pendingCount === 0)
    expect(local.query(sql`select title, note from todos order by id`)).toEqual([
      { title: "one", note: null },
      { title: "of old code", note: null },
    ])
    session.stop()
  })

  test("newer code waits for the server's deploy, and shows its own schema meanwhile (T15)", async () => {
    const world = new World()
    await world.startServer()
    const newer = defineMutator({
      migrations: [...mutator.migrations.map(({ sql: text }) => text), sql`alter table todos add column note text`],
      mutations: [Add, Toggle],
    })
    const disk = new MemoryDisk()
    const local = new Local({
      opened: await disk.open("d"),
      module: await loadSqlite(),
      mutator: newer,
      host,
      user: null,
    })
    const session = new Session({ docId: "d", local, network: world.network, host, onChange: () => {} })
    await local.run("Add", { id: "1", title: "early" }).durable
    await until(() => session.state.status === "offline")
    expect(local.query(sql`select title, note from todos`)).toEqual([{ title: "early", note: null }])
    expect(local.pendingCount).toBe(1)
    session.stop()
  })

  test("a query on a reopened document sees what is pending there go when it is rejected (I6)", async () => {
    const world = new World()
    const before = await world.client()
    await before.local.run("Add", { id: "1", title: "bad" }).durable
    before.session.stop()
    await before.local.close()
    const { local, session } = await world.client(before.disk)
    let rows: readonly unknown[] = []
    local.subscribe(sql`select title from todos`, (result) => {
      if (result.type === "rows") rows = result.rows
      if (result.type === "patch") rows = result.patch.flatMap((step) => (step.type === "rows" ? step.rows : []))
    })
    expect(rows).toEqual([{ title: "bad" }])
    await world.startServer()
    session.poke()
    await until(() => local.rejections.length === 1)
    expect(rows).toEqual([])
    session.stop()
  })

  test("live queries re-run only when a page they read changed, and post one row", async () => {
    const world = new World()
    const { local, session } = await world.client()
    for (let i = 0; i < 1000; i++) local.run("Add", { id: `${1000 + i}`, title: `t${i}` })
    const seen: unknown[] = []
    local.subscribe(sql`select id, done from todos order by id`, (result) => seen.push(result))
    local.subscribe(sql`select 1 as one`, () => {})
    const runs = local.reads.runs
    local.run("Toggle", { id: "1500" })
    expect(local.reads.runs - runs).toBe(1)
    expect(seen[1]).toEqual({
      type: "patch",
      patch: [
        { type: "keep", from: 0, count: 500 },
        { type: "rows", rows: [{ id: "1500", done: 1 }] },
        { type: "keep", from: 501, count: 499 },
      ],
    })
    session.stop()
  })
})
