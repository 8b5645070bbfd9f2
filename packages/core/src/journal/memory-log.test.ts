import { beforeAll, describe, expect, test } from "vitest"
import { concatBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { chainOf, checkpointOf, logContract } from "../testing/log-contract.ts"
import { decodeLogHeader, encodeLogHeader } from "./log-header.ts"
import { MemoryDisk, openMemoryLog } from "./memory-log.ts"

beforeAll(loadChecksum)

logContract("memory", async () => {
  const disk = new MemoryDisk()
  return {
    isOwned: true,
    open: () => disk.open("d"),
    depose: async () => disk.depose("d"),
    tearTail: async () => disk.damage("d", (log) => log.slice(0, -10)),
    damageFirstGroup: async () =>
      disk.damage("d", (log) => {
        log[decodeLogHeader(log).endAt + 45] ^= 1
        return log
      }),
    dispose: async () => {},
  }
})

describe("memory disk", () => {
  test("a checkpoint whose pages or live records are damaged is LOG_CORRUPT (I11)", async () => {
    const corrupt = { code: "LOG_CORRUPT" }
    for (const damage of [
      (log: Uint8Array) => log.slice(0, -1),
      (log: Uint8Array) => {
        const { header, endAt } = decodeLogHeader(log)
        const checkpoint = { meta: new Uint8Array(0), pageCount: 2, pagesChecksum: 1n }
        return concatBytes([encodeLogHeader({ ...header, checkpoint }), log.subarray(endAt)])
      },
    ]) {
      const disk = new MemoryDisk()
      const { log } = await disk.open("d")
      await log.rollup(checkpointOf(1, 2), chainOf("s", ["1"]))
      await log.close()
      disk.damage("d", damage)
      await expect(disk.open("d")).rejects.toMatchObject(corrupt)
    }
  })

  test("a crash leaves documents alone that are not open", async () => {
    const disk = new MemoryDisk()
    const { log } = await disk.open("d")
    await log.append(chainOf("s", ["1"]))
    await log.close()
    disk.crash()
    expect((await disk.open("d")).records).toEqual(chainOf("s", ["1"]))
  })

  test("a document that was never stored has no bytes", () => {
    expect(() => new MemoryDisk().bytes("d")).toThrow(expect.objectContaining({ code: "DOC_NOT_FOUND" }))
  })

  test("what is at rest is listed and read without being opened", async () => {
    const disk = new MemoryDisk()
    expect(disk.names()).toEqual([])
    expect(disk.records("d")).toEqual([])
    const { log } = await disk.open("d")
    await log.append(chainOf("s", ["1"]))
    expect(disk.names()).toEqual(["d"])
    expect(disk.records("d")).toEqual(chainOf("s", ["1"]))
  })

  test("a failure keeps its code, and an unknown one is LOG_FAILED with its cause (T19)", async () => {
    const cause = new Error("x")
    for (const [failure, reported] of [
      [new LfError("LOG_FULL", "full"), { code: "LOG_FULL" }],
      [cause, { code: "LOG_FAILED", cause }],
    ]) {
      const disk = new MemoryDisk()
      const { log } = await disk.open("d")
      disk.failNext(failure)
      await expect(log.append(chainOf("s", ["1"]))).rejects.toMatchObject(reported)
    }
  })

  test("a log in memory refuses once it is closed", async () => {
    const { log } = openMemoryLog()
    await log.append(chainOf("s", ["1"]))
    await log.rollup(checkpointOf(1, 1), [])
    await log.close()
    await expect(log.append([])).rejects.toMatchObject({ code: "LOG_CLOSED" })
  })

  test("a crash in an append keeps a prefix of its bytes: the whole group or none of it", async () => {
    const records = chainOf("s", ["1", "2"])
    for (const [kept, expected] of [
      [0, 0],
      [0.5, 0],
      [1, 2],
    ]) {
      const disk = new MemoryDisk()
      const { log } = await disk.open("d")
      const appended = log.append(records)
      disk.crash((unsynced) => Math.floor(unsynced * kept))
      await expect(appended).rejects.toMatchObject({ code: "LOG_FAILED" })
      await expect(log.append(records)).rejects.toMatchObject({ code: "LOG_FAILED" })
      expect((await disk.open("d")).records).toEqual(records.slice(0, expected))
    }
  })

  test("a crash in a rollup leaves the old state or the new one (I12)", async () => {
    for (const kept of [0, 0.5, 1]) {
      const disk = new MemoryDisk()
      const { log } = await disk.open("d")
      const records = chainOf("s", ["1"])
      await log.append(records)
      const done = log.rollup(checkpointOf(1, 2), [])
      disk.crash((unsynced) => Math.floor(unsynced * kept))
      await expect(done).rejects.toMatchObject({ code: "LOG_FAILED" })
      const { checkpoint, records: found } = await disk.open("d")
      if (kept === 1) expect([checkpoint, found]).toEqual([checkpointOf(1, 2), []])
      else expect([checkpoint, found]).toEqual([null, records])
    }
  })

  test("a rollup under way when its owner is deposed never takes effect (I14)", async () => {
    let sync = () => {}
    const disk = new MemoryDisk(
      () =>
        new Promise((resolve) => {
          sync = resolve
        }),
    )
    const { log: old } = await disk.open("d")
    const late = old.rollup(checkpointOf(1, 2), [])
    disk.depose("d")
    sync()
    await expect(late).rejects.toMatchObject({ code: "LOG_DEPOSED" })
    const { log } = await disk.open("d")
    const records = chainOf("s", ["1"])
    const appended = log.append(records)
    sync()
    await appended
    disk.crash((unsynced) => unsynced)
    const { checkpoint, records: found } = await disk.open("d")
    expect([checkpoint, found]).toEqual([null, records])
  })

  test("damage to the header is LOG_CORRUPT (I11)", async () => {
    const disk = new MemoryDisk()
    await (await disk.open("d")).log.close()
    const size = disk.bytes("d").length
    for (let at = 0; at < size; at++) {
      const flip = (log: Uint8Array) => log.map((byte, i) => (i === at ? byte ^ 4 : byte))
      disk.damage("d", flip)
      await expect(disk.open("d")).rejects.toMatchObject({ code: "LOG_CORRUPT" })
      disk.damage("d", flip)
    }
    expect((await disk.open("d")).records).toEqual([])
  })

  test("documents are independent, and an fsync takes as long as the test says", async () => {
    const syncs: (() => void)[] = []
    const disk = new MemoryDisk(() => new Promise((resolve) => syncs.push(resolve)))
    const [one, two] = [await disk.open("1"), await disk.open("2")]
    let settled = false
    const done = one.log.append(chainOf("s", ["1"])).then(() => {
      settled = true
    })
    await Promise.resolve()
    expect(settled).toBe(false)
    syncs[0]()
    await done
    await two.log.close()
    expect((await disk.open("2")).records).toEqual([])
  })

  test("after a failed write the log stays failed (T19)", async () => {
    const disk = new MemoryDisk()
    const { log } = await disk.open("d")
    disk.failNext(new Error("EIO"))
    await expect(log.append(chainOf("s", ["1"]))).rejects.toMatchObject({ code: "LOG_FAILED" })
    await expect(log.append(chainOf("s", ["1"]))).rejects.toMatchObject({ code: "LOG_FAILED" })
  })
})
