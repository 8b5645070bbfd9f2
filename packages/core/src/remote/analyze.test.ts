import { beforeAll, describe, expect, test, vi } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Database } from "../sqlite/database.ts"
import { sql } from "../sqlite/sql.ts"
import { host, loadSqlite, mutator, until, World } from "../testing/small-world.ts"
import { Remote } from "./remote.ts"

beforeAll(loadChecksum)

const statistics = sql<{ tbl: string; stat: string }>`select tbl, stat from sqlite_stat1 where tbl = 'todos'`
const hasStatistics = sql<{ n: number }>`select count(*) as n from sqlite_schema where name = 'sqlite_stat1'`

async function fill(remote: Remote, from: number, count: number): Promise<void> {
  const calls = Array.from({ length: count }, (_, i) =>
    remote.mutate("Add", { id: `${from + i}`, title: "t", isDone: false }, null),
  )
  await Promise.all(calls)
}

describe("the planner's statistics", () => {
  test("are written at a checkpoint, when a table has grown much, and reach every reader as pages (I5)", async () => {
    const world = new World()
    const remote = await world.startServer()
    const { local, session } = await world.client()
    await fill(remote, 0, 100)
    expect(remote.query(hasStatistics)).toEqual([{ n: 0 }])
    await remote.checkpoint()
    await until(() => local.cursor === remote.lsn())
    expect(remote.query(statistics)).toEqual([{ tbl: "todos", stat: "100 1" }])
    expect(local.query(statistics)).toEqual(remote.query(statistics))
    expect(local.base.checksum).toBe(remote.checksum)

    const at = remote.lsn()
    await remote.checkpoint()
    expect(remote.lsn()).toBe(at)
    await fill(remote, 100, 1_500)
    await remote.checkpoint()
    expect(Number(remote.query(statistics)[0].stat.split(" ")[0])).toBeGreaterThan(100)
    session.stop()
    await world.stopServer()
  })

  test("that cannot be made cost nothing: SQLite begins anew on the committed pages, and the document goes on (T43)", async () => {
    const remote = await Remote.recover({ opened: await new MemoryDisk().open("d"), loadSqlite, mutator, host })
    await fill(remote, 0, 100)
    const { exec } = Database.prototype
    const spy = vi.spyOn(Database.prototype, "exec").mockImplementation(function (this: Database, sql, ...parameters) {
      if (sql.includes("optimize")) throw new Error("out of memory")
      return exec.call(this, sql, ...parameters)
    })
    const at = remote.lsn()
    await remote.checkpoint()
    spy.mockRestore()
    expect([remote.failure, remote.lsn(), remote.query(hasStatistics)]).toEqual([null, at, [{ n: 0 }]])
    await fill(remote, 100, 1)
    expect(await remote.read(sql`select count(*) as n from todos`)).toEqual([{ n: 101 }])
    await remote.close()
  })

  test("are left out of a document that has no room for them, and it goes on", async () => {
    const disk = new MemoryDisk()
    const options = { loadSqlite, mutator, host }
    const first = await Remote.recover({ ...options, opened: await disk.open("d") })
    await fill(first, 0, 100)
    await first.close()
    const pagesMax = (await pageCount(disk)) ?? 0
    const remote = await Remote.recover({ ...options, opened: await disk.open("d"), pagesMax })
    await remote.checkpoint()
    expect(remote.query(hasStatistics)).toEqual([{ n: 0 }])
    expect(remote.failure).toBeNull()
    await remote.close()
  })
})

async function pageCount(disk: MemoryDisk): Promise<number | undefined> {
  const { log, checkpoint } = await disk.open("d")
  await log.close()
  return checkpoint?.pages.length
}
