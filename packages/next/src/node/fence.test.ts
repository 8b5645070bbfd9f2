import { loadChecksum } from "@lf/core/internal"
import { beforeEach, describe, expect, test } from "vitest"
import { chainOf, checkpointOf } from "../../../core/src/testing/log-contract.ts"
import { CrashDisk } from "../testing/crash-disk.ts"
import { DEPOSED_MAX, DEPOSED_WAIT_MS, DEPOSED_WAIT_MS_MAX, raiseFence } from "./fence.ts"
import type { FsCalls } from "./fs-calls.ts"
import { openFsLog } from "./fs-log.ts"

await loadChecksum()

const [first, second, third] = chainOf("s", ["1", "2", "3"])

/** Servers that share a disk whose locks do not work. */
let disk: CrashDisk
let nowMs: number
beforeEach(() => {
  disk = new CrashDisk()
  disk.isLockFree = true
  nowMs = 0
})

function server(): { open: () => ReturnType<typeof openFsLog>; calls: FsCalls } {
  const calls = { ...disk.fs }
  return { calls, open: () => openFsLog("d", calls, () => nowMs) }
}

const fences = async (calls: FsCalls) => (await calls.list("d")).filter((name) => name.startsWith("fence-"))

describe("a deposed owner (I14)", () => {
  test("a deposed owner acknowledges nothing, and waits while another has the document", async () => {
    const [a, b] = [server(), server()]
    const old = await a.open()
    await old.log.append([first])
    const successor = await b.open()
    expect(successor.records).toEqual([first])
    await expect(old.log.append([second])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await expect(old.log.rollup(checkpointOf(1, 1), [])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await old.log.close()
    const refusal = { code: "LOG_OWNED", message: expect.stringMatching(/taken over by process .*; stop one of them/) }
    await expect(a.open()).rejects.toMatchObject(refusal)
    await successor.log.append([second])
    await successor.log.close()
    const again = await a.open()
    expect(again.records).toEqual([first, second])
    await again.log.append([third])
    await again.log.close()
  })

  test("two servers that depose each other do it ever more rarely, up to a limit", async () => {
    const [a, b] = [server(), server()]
    let [holder, waiting] = [a, b]
    let log = (await holder.open()).log
    for (let times = 1; times <= 16; times++) {
      const taken = (await waiting.open()).log
      await expect(log.append([first])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
      await log.close()
      // Both count, so each pair of turns doubles the pause.
      const waitMs = Math.min(DEPOSED_WAIT_MS * 2 ** Math.floor((times - 1) / 2), DEPOSED_WAIT_MS_MAX)
      nowMs += waitMs - 1
      await expect(holder.open()).rejects.toMatchObject({ code: "LOG_OWNED" })
      nowMs += 1
      ;[holder, waiting, log] = [waiting, holder, taken]
    }
    expect(DEPOSED_WAIT_MS * 2 ** 7).toBeGreaterThan(DEPOSED_WAIT_MS_MAX)
  })

  test("after a run without a loss the pause is short again", async () => {
    const [a, b] = [server(), server()]
    const old = await a.open()
    const successor = await b.open()
    await expect(old.log.append([first])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await successor.log.close()
    await (await a.open()).log.close()
    const another = await a.open()
    await b.open()
    await expect(another.log.append([first])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    await another.log.close()
    await expect(a.open()).rejects.toMatchObject({ code: "LOG_OWNED" })
    nowMs += DEPOSED_WAIT_MS
    await a.open()
  })

  test("a process that was not deposed takes over at once, since the holder may be dead", async () => {
    const old = await server().open()
    await old.log.append([first])
    expect((await server().open()).records).toEqual([first])
  })

  test("a name that another has given to the next generation deposes too", async () => {
    const { calls, open } = server()
    const { log } = await open()
    await (await calls.open("d/log-0000000000000002", "w")).close()
    await expect(log.rollup(checkpointOf(1, 1), [])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
  })

  test("what a new owner removes under an old one is no broken disk", async () => {
    const calls: FsCalls = { ...disk.fs, link: (from, to) => disk.fs.link(from, to) }
    const { log } = await openFsLog("d", calls)
    calls.link = async () => {
      for (const name of await fences(calls)) await calls.remove(`d/${name}`)
      throw Object.assign(new Error("its temporary file is gone"), { code: "ENOENT" })
    }
    const deposed = { code: "LOG_DEPOSED", cause: { code: "ENOENT" } }
    await expect(log.rollup(checkpointOf(1, 1), [])).rejects.toMatchObject(deposed)
  })

  test("a process remembers so many losses and forgets the oldest (I17)", async () => {
    const file = { write: async () => {}, datasync: async () => {}, truncate: async () => {}, close: async () => {} }
    const calls: FsCalls = { ...disk.fs, open: async () => file, list: async () => [] }
    for (let i = 0; i <= DEPOSED_MAX; i++) {
      const { fence } = await raiseFence(`${i}`, calls, () => nowMs)
      fence.noteLoss()
    }
    calls.list = async () => [`fence-${"a".repeat(32)}`]
    await expect(raiseFence("1", calls, () => nowMs)).rejects.toMatchObject({ code: "LOG_OWNED" })
    expect((await raiseFence("0", calls, () => nowMs)).isTakeover).toBe(true)
  })

  test("a close leaves no fence; after a kill one is left, and the next owner writes its own file", async () => {
    const { calls, open } = server()
    await (await open()).log.close()
    expect(await fences(calls)).toEqual([])
    await (await open()).log.close()
    expect(await calls.list("d")).toContain("log-0000000000000001")
    await open()
    disk.reboot("process killed")
    expect(await fences(calls)).toHaveLength(1)
    await (await open()).log.close()
    expect(await fences(calls)).toEqual([])
    expect(await calls.list("d")).toEqual(["owner.lock", "log-0000000000000002"])
  })

  test("after any crash a later owner never writes the file of an older-format owner (I13)", async () => {
    for (let stopAt = 1; stopAt < 40; stopAt++) {
      disk = new CrashDisk()
      const { calls, open } = server()
      const { log } = await open()
      await log.append([first])
      await log.close()
      const lock = await calls.lock("d/owner.lock")
      await lock?.write(new TextEncoder().encode("1 ?\n"))
      await lock?.release()
      disk.stopAt = disk.calls + stopAt
      await open().catch(() => {})
      disk.reboot("process killed")
      expect((await open()).records).toEqual([first])
      expect(await calls.list("d")).not.toContain("log-0000000000000001")
    }
  })

  test("a close waits for what is under way", async () => {
    const { open } = server()
    const { log } = await open()
    const under = log.rollup(checkpointOf(1, 3), [first])
    await log.close()
    await under
    expect((await open()).records).toEqual([first])
  })

  test("a takeover of a damaged document leaves its fence: the owner before may run (I11)", async () => {
    const { calls, open } = server()
    const { log } = await open()
    await log.append([first])
    const file = await calls.open("d/log-0000000000000001", "r+")
    await file.write(new Uint8Array([1]), 14)
    for (let i = 0; i < 2; i++) {
      await expect(server().open()).rejects.toMatchObject({ code: "LOG_CORRUPT" })
      expect(await fences(calls)).toHaveLength(1)
    }
  })
})
