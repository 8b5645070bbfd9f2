import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { clientIdOf, deriveForkSecret } from "../base/ids.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Local } from "../local/local.ts"
import { Link } from "../network/link.ts"
import { memoryPipe } from "../network/memory-network.ts"
import { Remote } from "../remote/remote.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { sql } from "../sqlite/sql.ts"
import { serve } from "../testing/admit.ts"
import { helloOf } from "./hello.ts"
import { SeededRandom } from "./seeded-random.ts"
import { releases } from "./sim-app.ts"
import { SimClock, SimHost } from "./sim-host.ts"
import { sqliteLoader } from "./sim-node.ts"

// What the simulator found, each in the smallest scene that shows it.

let loadSqlite: LoadSqlite
let host: Host
beforeAll(async () => {
  await loadChecksum()
  loadSqlite = await sqliteLoader()
  host = new SimHost(new SimClock(), new SeededRandom(1))
})

describe("found by the simulator", () => {
  test("a document that closes on a failing disk gives its log back (I21)", async () => {
    const disk = new MemoryDisk()
    const options = { loadSqlite, mutator: releases[0], host }
    const remote = await Remote.recover({ ...options, opened: await disk.open("d") })
    disk.failNext(new LfError("LOG_FULL", "no room"))
    await expect(remote.close()).rejects.toMatchObject({ code: "LOG_FULL" })
    const again = await Remote.recover({ ...options, opened: await disk.open("d") })
    expect(again.lsn()).toBe(remote.lsn())
  })

  test("a checkpoint that fails stops the document, and reports it once (T19)", async () => {
    const disk = new MemoryDisk()
    const reported: string[] = []
    const remote = await Remote.recover({
      loadSqlite,
      mutator: releases[0],
      host,
      opened: await disk.open("d"),
      onStopped: ({ code }) => reported.push(code),
    })
    disk.failNext(new LfError("LOG_FAILED", "the disk failed"))
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(remote.failure).toMatchObject({ code: "LOG_FAILED" })
    await expect(remote.mutate("Add", {}, null)).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(reported).toEqual(["LOG_FAILED"])
  })

  test("a restored base with an equal cookie over another schema is read by its own schema (T16)", async () => {
    const recover = async (disk: MemoryDisk, release: number) =>
      Remote.recover({ loadSqlite, mutator: releases[release], host, opened: await disk.open("d") })
    const small = await recover(new MemoryDisk(), 1)
    // The same migrations, but the last one ran when the tables were full: its index lies on another page.
    const disk = new MemoryDisk()
    const full = await recover(disk, 0)
    for (let i = 0; i < 300; i++)
      await full.mutate("Add", { uid: `${i}`, id: `t${i}`, text: "x".repeat(90), n: i }, null)
    await full.close()
    const restored = await recover(disk, 1)
    const opened = await new MemoryDisk().open("d")
    const local = new Local({ opened, module: await loadSqlite(), mutator: releases[1], host, user: null })
    for (const remote of [small, restored]) {
      await pull(local, remote)
      expect(local.base.checksum).toBe(remote.checksum)
      await local.run("Throws", { uid: "u", id: "", text: "", n: 7 }).durable
      expect(local.query(sql`select distinct place from todos`).length).toBe(remote === small ? 0 : 1)
    }
  })

  test("a device whose disk failed pushes nothing any more (T19)", async () => {
    const disk = new MemoryDisk()
    const local = new Local({
      opened: await disk.open("d"),
      module: await loadSqlite(),
      mutator: releases[0],
      host,
      user: null,
    })
    await local.run("Add", { uid: "u", id: "t1", text: "", n: 1 }).durable
    disk.failNext(new LfError("LOG_FULL", "no room"))
    await expect(local.run("Toggle", { uid: "v", id: "t1", text: "", n: 1 }).durable).rejects.toMatchObject({
      code: "LOG_FULL",
    })
    const [near] = memoryPipe()
    // It would have been answered with the same fork for ever, as fast as the connection is.
    await expect(local.pushMutations(new Link(near, () => {}))).rejects.toMatchObject({ code: "LOG_FULL" })
  })

  test("clones come to one new id if they had the same mutation pending first, else to two (T1)", () => {
    const secret = host.randomBytes(32)
    const idAfter = (uid: string) => clientIdOf(deriveForkSecret(secret, uid))
    expect(idAfter("a")).toBe(idAfter("a"))
    expect(new Set([clientIdOf(secret), idAfter("a"), idAfter("b")]).size).toBe(3)
  })
})

/** One connection that brings one page batch. */
async function pull(local: Local, remote: Remote): Promise<void> {
  const [near, far] = memoryPipe()
  serve(far, host, remote)
  const link = new Link(near, () => {})
  const welcome = await link.hello(helloOf(local))
  local.meet(welcome)
  await local.rebase(link, welcome.epoch)
  link.close("done")
}
