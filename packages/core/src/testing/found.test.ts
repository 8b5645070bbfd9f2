import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import type { Host } from "../base/host.ts"
import { clientIdOf, heirSecret } from "../base/ids.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Remote } from "../remote/remote.ts"
import type { LoadSqlite } from "../sqlite/module.ts"
import { Luck } from "./luck.ts"
import { releases } from "./sim-app.ts"
import { SimClock, SimHost } from "./sim-host.ts"
import { sqliteLoader } from "./sim-node.ts"

// What the simulator found, told again in the smallest scene that shows it.

let loadSqlite: LoadSqlite
let host: Host
beforeAll(async () => {
  await loadChecksum()
  loadSqlite = await sqliteLoader()
  host = new SimHost(new SimClock(), new Luck(1))
})

describe("found by the simulator", () => {
  test("I21 a document that closes on a failing disk gives its log back", async () => {
    const disk = new MemoryDisk()
    const options = { loadSqlite, mutator: releases[0], host }
    const remote = await Remote.recover({ ...options, opened: await disk.open("d") })
    disk.failNext(new LfError("LOG_FULL", "no room"))
    await expect(remote.close()).rejects.toMatchObject({ code: "LOG_FULL" })
    const again = await Remote.recover({ ...options, opened: await disk.open("d") })
    expect(again.lsn()).toBe(remote.lsn())
  })

  test("T19 a checkpoint that fails stops the document, and tells so once", async () => {
    const disk = new MemoryDisk()
    const told: string[] = []
    const remote = await Remote.recover({
      loadSqlite,
      mutator: releases[0],
      host,
      opened: await disk.open("d"),
      onStopped: ({ code }) => told.push(code),
    })
    disk.failNext(new LfError("LOG_FAILED", "the disk failed"))
    await expect(remote.checkpoint()).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(remote.failure).toMatchObject({ code: "LOG_FAILED" })
    await expect(remote.mutate("Add", {}, null)).rejects.toMatchObject({ code: "LOG_FAILED" })
    expect(told).toEqual(["LOG_FAILED"])
  })

  test("T1 clones come to one new id if they had the same mutation pending first, else to two", () => {
    const secret = host.randomBytes(32)
    const idAfter = (uid: string) => clientIdOf(heirSecret(secret, uid))
    expect(idAfter("a")).toBe(idAfter("a"))
    expect(new Set([clientIdOf(secret), idAfter("a"), idAfter("b")]).size).toBe(3)
  })
})
