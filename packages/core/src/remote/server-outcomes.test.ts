import { beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { sql } from "../sqlite/sql.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { loadSqlite } from "../testing/small-world.ts"
import { defineMutation, defineMutator } from "../timeline/mutator.ts"
import { Reject } from "../timeline/outcome.ts"
import { Remote } from "./remote.ts"
import { OUTCOME_KEPT_MS, OUTCOMES_KEPT_MAX } from "./server-outcomes.ts"

beforeAll(loadChecksum)

const Note = defineMutation("Note", z.string(), (tx, text) => {
  if (text === "") throw new Reject("empty", { text })
  tx.run(sql`insert into notes values (${text})`)
})
const mutator = defineMutator({ migrations: [sql`create table notes (text text) strict`], mutations: [Note] })
const notes = sql<{ text: string }>`select text from notes`
const uidOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`

/** A document whose server ends and starts again, on a disk and a clock that the test owns. */
class Server {
  isSyncFailing = false
  readonly disk = new MemoryDisk(async () => {
    if (this.isSyncFailing) throw new Error("EIO")
  })
  readonly clock = new SimClock()
  remote!: Remote

  static async start(): Promise<Server> {
    const server = new Server()
    await server.restart()
    return server
  }

  /** `aheadMs`: the next machine's clock differs. */
  async restart(aheadMs = 0): Promise<void> {
    const host = new SimHost(this.clock, new SeededRandom(1), aheadMs)
    this.remote = await Remote.recover({ opened: await this.disk.open("d"), loadSqlite, mutator, host })
  }

  mutate(n: number, text = `${n}`) {
    return this.remote.mutate("Note", text, null, uidOf(n))
  }

  get texts(): string[] {
    return this.remote.query(notes).map(({ text }) => text)
  }
}

describe("a mutation of a server's own that is called again with its uid runs once (T28)", () => {
  test("while it waits, and when it is decided: each call gets the outcome", async () => {
    const server = await Server.start()
    const [first, second] = await Promise.all([server.mutate(1), server.mutate(1)])
    expect(first).toEqual({ type: "applied", lsn: server.remote.lsn() })
    expect([second, await server.mutate(1)]).toEqual([first, first])
    expect(server.texts).toEqual(["1"])
    const refused = { type: "rejected", code: "empty", data: { text: "" } }
    expect([await server.mutate(2, ""), await server.mutate(2, "")]).toEqual([refused, refused])
    expect(await server.remote.mutate("Note", "other", null)).toMatchObject({ type: "applied" })
  })

  test("after the server ended, before or after a checkpoint", async () => {
    const server = await Server.start()
    const [applied, refused] = await Promise.all([server.mutate(1), server.mutate(2, "")])
    for (const end of ["kill", "close"]) {
      if (end === "kill") server.disk.crash()
      else await server.remote.checkpoint().then(() => server.remote.close())
      await server.restart()
      expect([end, await server.mutate(1), await server.mutate(2, "")]).toEqual([end, applied, refused])
      expect(server.texts).toEqual(["1"])
    }
  })

  test("whatever the next server's clock says", async () => {
    for (const aheadMs of [86_400_000, -86_400_000]) {
      const server = await Server.start()
      await server.mutate(1)
      server.disk.crash()
      await server.restart(aheadMs)
      await server.mutate(2)
      await server.remote.checkpoint()
      await server.mutate(1)
      expect([aheadMs, server.texts]).toEqual([aheadMs, ["1", "2"]])
    }
  })

  test("when its log failed meanwhile, whether it was kept or not", async () => {
    for (const isKept of [true, false]) {
      const server = await Server.start()
      if (isKept) server.isSyncFailing = true
      else server.disk.failNext(new Error("EIO"))
      await expect(server.mutate(1)).rejects.toMatchObject({ code: "LOG_FAILED" })
      await server.remote.close()
      server.isSyncFailing = false
      await server.restart()
      expect(await server.mutate(1)).toMatchObject({ type: "applied" })
      expect([isKept, server.texts]).toEqual([isKept, ["1"]])
    }
  })
})

test("outcomes are kept for a minute, and 10,000 at the most, also at rest", async () => {
  const server = await Server.start()
  await server.mutate(1, "old")
  server.clock.nowMs += OUTCOME_KEPT_MS + 1
  await Promise.all(Array.from({ length: 5 }, (_, i) => server.mutate(i + 2)))
  await server.remote.checkpoint()
  server.disk.crash()
  await server.restart()
  await server.mutate(2, "again")
  expect(server.texts).not.toContain("again")
  // By then nothing calls it any more.
  await server.mutate(1, "forgotten")
  expect(server.texts).toContain("forgotten")
  await Promise.all(Array.from({ length: OUTCOMES_KEPT_MAX }, (_, i) => server.mutate(i + 100)))
  await server.mutate(2, "forgotten too")
  expect(server.texts).toContain("forgotten too")
}, 30_000)
