import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { deferred } from "../base/wait.ts"
import type { DocumentLog } from "../journal/log.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { host, loadSqlite, mutator } from "../testing/small-world.ts"
import { Remote } from "./remote.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const MIB = 1024 * 1024

async function open(disk = new MemoryDisk()) {
  return new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
}

/** Appends an entry of about `bytes` bytes. */
function keep(store: RemoteStore, bytes: number): void {
  store.bindings.append({ clientId: "x".repeat(bytes), user: null })
}

describe("a checkpoint is due", () => {
  test("of a small document after 4 MiB, and then anew", async () => {
    const store = await open()
    keep(store, 4 * MIB - 10_000)
    expect(store.isCheckpointDue).toBe(false)
    keep(store, 10_000)
    expect(store.isCheckpointDue).toBe(true)
    store.bindings.rollup(store.bindings.lsn())
    await store.checkpoint()
    expect(store.isCheckpointDue).toBe(false)
  })

  test("of a large document after half of its size", async () => {
    const store = await open()
    store.storage.write((9 * MIB) / PAGE_BYTES, new Uint8Array(PAGE_BYTES))
    store.storage.commit()
    keep(store, 4.4 * MIB)
    expect(store.isCheckpointDue).toBe(false)
    keep(store, 0.2 * MIB)
    expect(store.isCheckpointDue).toBe(true)
  })

  test("when compressed pages have grown to half of the document's, not their compressed bytes, also after a restart", async () => {
    const disk = new MemoryDisk()
    const store = await open(disk)
    const fill = (from: number, count: number) => {
      for (let i = 0; i < count; i++) store.storage.write(from + i, new Uint8Array(PAGE_BYTES).fill(7))
      const changeset = store.storage.commit()
      if (changeset !== null) store.append(changeset)
    }
    fill(1, 1_000)
    expect(store.isCheckpointDue).toBe(false)
    fill(1_001, 100)
    expect(store.isCheckpointDue).toBe(true)
    await store.streams.close()
    const again = await open(disk)
    expect(again.isCheckpointDue).toBe(true)
    await again.checkpoint()
    expect(again.isCheckpointDue).toBe(false)
  })
})

test("a checkpoint keeps only the last entry on whether a process is running", async () => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  for (const isOver of [false, true, false]) store.life.append({ isOver })
  await store.checkpoint()
  expect([store.life.start(), store.life.lsn()]).toEqual([2, 3])
  await store.streams.close()
  const again = await open(disk)
  expect(again.life.entry(lsn(3))).toEqual({ isOver: false })
})

test("marks are dropped once without onApplied; a document without marks writes nothing", async () => {
  const store = await open()
  await store.streams.flush()
  store.forgetEffects()
  expect(store.streams.isDirty).toBe(false)
  store.effects.append({ type: "delivered", clientId: "a", lsn: lsn(1) })
  store.forgetEffects()
  expect(store.streams.names()).not.toContain("effects")
})

test("a malformed attempt among others is LOG_CORRUPT (S9)", async () => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const good = { clientId: "a", from: 0, to: 1 }
  store.attempts.append([good])
  store.attempts.append([good, { ...good, to: -1 }])
  await store.streams.close()
  const again = await open(disk)
  expect(again.attempts.entry(lsn(1))).toEqual([good])
  expect(() => again.attempts.entry(lsn(2))).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
})

describe("while a checkpoint's pages are written", () => {
  async function slow() {
    const disk = new MemoryDisk()
    const opened = await disk.open("d")
    const gate = deferred<void>()
    let prepares = 0
    const log: DocumentLog = {
      isDurable: true,
      append: (records) => opened.log.append(records),
      prepare: () => {
        prepares++
        return gate.promise
      },
      rollup: (checkpoint, live) => opened.log.rollup(checkpoint, live),
      close: () => opened.log.close(),
    }
    const remote = await Remote.recover({ opened: { ...opened, log }, loadSqlite, mutator, host })
    const add = (id: string) => remote.mutate("Add", { id, title: "t" }, null)
    return { disk, remote, add, gate, prepares: () => prepares }
  }
  const ids = sql<{ id: string }>`select id from todos order by id`

  test("mutations are applied and answered; all of them are there after a restart (I12)", async () => {
    const { disk, remote, add, gate } = await slow()
    await add("a")
    const checkpoint = remote.checkpoint()
    expect(await add("b")).toMatchObject({ type: "applied" })
    gate.resolve()
    await checkpoint
    await add("c")
    expect((await remote.read(ids)).map(({ id }) => id)).toEqual(["a", "b", "c"])
    await remote.close()
    const again = await Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host })
    expect((await again.read(ids)).map(({ id }) => id)).toEqual(["a", "b", "c"])
    await again.close()
  })

  test("a crash loses nothing: the old checkpoint and its journal still stand (I3)", async () => {
    const { disk, remote, add } = await slow()
    await add("a")
    void remote.checkpoint().catch(() => {})
    await add("b")
    disk.crash(() => 0)
    const again = await Remote.recover({ opened: await disk.open("d"), loadSqlite, mutator, host })
    expect((await again.read(ids)).map(({ id }) => id)).toEqual(["a", "b"])
  })

  test("a second one waits, and closing waits for both", async () => {
    const { remote, add, gate, prepares } = await slow()
    await add("a")
    const both = [remote.checkpoint(), remote.checkpoint()]
    await add("b")
    await turn()
    expect(prepares()).toBe(1)
    const closed = remote.close()
    gate.resolve()
    await Promise.all([...both, closed])
    expect(prepares()).toBe(3)
  })
})
