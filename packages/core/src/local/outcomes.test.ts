import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { host, loadSqlite, mutator, until, World } from "../testing/small-world.ts"
import { Local } from "./local.ts"

beforeAll(loadChecksum)

const NEVER = "00000000-0000-7000-8000-000000000000"

async function reopen(disk: MemoryDisk): Promise<Local> {
  return new Local({ opened: await disk.open("d"), module: await loadSqlite(), mutator, host, user: null })
}

/** A client that has one mutation applied and one rejected by the server, and has closed. */
async function decided() {
  const world = new World()
  await world.startServer()
  const { local, session, disk } = await world.client()
  const good = local.run("Add", { id: "1", title: "one" })
  const bad = local.run("Add", { id: "2", title: "bad" })
  expect(await good.remote).toMatchObject({ type: "applied", lsn: world.remote?.lsn() })
  expect(await bad.remote).toMatchObject({ type: "rejected", code: "not-welcome" })
  return { world, local, session, disk, good, bad }
}

describe("what became of a mutation is known, or said to be unknown (I9, I10, T41)", () => {
  test("after a restart both outcomes are known by uid; a repeated call runs nothing (T28)", async () => {
    const { local, session, disk, good, bad } = await decided()
    session.stop()
    await local.close()
    const again = await reopen(disk)
    expect(await again.follow(good.uid).remote).toEqual(await good.remote)
    expect(await again.follow(bad.uid).remote).toEqual({
      type: "rejected",
      code: "not-welcome",
      data: { title: "bad" },
    })
    expect(await again.run("Add", { id: "1", title: "one" }, good.uid).remote).toMatchObject({ type: "applied" })
    expect(again.pendingCount).toBe(0)
  })

  test("a rejection that was dismissed before the restart is still a rejection, after a rollup too", async () => {
    const { world, local, session, disk, bad } = await decided()
    await local.dismiss(bad.uid)
    session.stop()
    await local.close()
    const small = new Local({
      opened: await disk.open("d"),
      module: await loadSqlite(),
      mutator,
      host,
      user: null,
      rollupBytes: 1,
    })
    expect(await small.follow(bad.uid).remote).toEqual({ type: "rejected", code: "not-welcome", data: null })
    await small.run("Add", { id: "3", title: "three" }).durable
    await small.close()
    const opened = await disk.open("d")
    expect(opened.checkpoint).not.toBeNull()
    const again = new Local({ opened, module: await loadSqlite(), mutator, host, user: null })
    expect(await again.follow(bad.uid).remote).toEqual({ type: "rejected", code: "not-welcome", data: null })
    await world.stopServer()
  })

  test("the outcome of an unknown uid is unknown, never applied", async () => {
    const local = await reopen(new MemoryDisk())
    expect(await local.follow(NEVER).remote).toEqual({ type: "unknown", reason: "forgotten" })
  })

  test("what its user discards is unknown to those that wait for it", async () => {
    const local = await reopen(new MemoryDisk())
    const { remote } = local.run("Add", { id: "1", title: "one" })
    local.discard()
    expect(await remote).toEqual({ type: "unknown", reason: "discarded" })
  })

  test("a pending mutation can be followed, and is decided once the server answers", async () => {
    const world = new World()
    const { local, session, disk } = await world.client()
    const { uid, durable } = local.run("Add", { id: "1", title: "one" })
    await durable
    session.stop()
    await local.close()
    await world.startServer()
    const { local: again } = await world.client(disk)
    const { remote } = again.follow(uid)
    await until(() => again.pendingCount === 0)
    expect(await remote).toMatchObject({ type: "applied" })
  })
})

test("ten thousand calls from before a restart are followed without a scan for each (H6)", async () => {
  const disk = new MemoryDisk()
  const first = await reopen(disk)
  const uids: string[] = []
  for (let i = 0; i < 10_000; i++) uids.push(first.run("Toggle", { id: "none" }).uid)
  await first.close()
  const local = await reopen(disk)
  // Each look at the whole list would take about a millisecond: twenty seconds in all.
  for (const uid of uids) local.follow(uid)
  expect(local.pendingRange).toMatchObject({ start: 0, lsn: 10_000 })
  expect(local.pendingAfter(local.pendingRange.lsn)).toEqual([])
}, 15_000)

describe("a mutation that was not kept here rejects with its own code (H7)", () => {
  test.each([
    ["MUTATION_UNKNOWN", "Nothing", {}],
    ["MUTATION_ARGS_INVALID", "Add", { id: 1 }],
    ["SQL_ERROR", "Add", { id: "1", title: "again" }],
  ])("%s", async (code, name, args) => {
    const local = await reopen(new MemoryDisk())
    local.run("Add", { id: "1", title: "one" })
    expect(() => local.run(name, args)).toThrow(expect.objectContaining({ code }))
    expect(local.pendingCount).toBe(1)
  })
})
