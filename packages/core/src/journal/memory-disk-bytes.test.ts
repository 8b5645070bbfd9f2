import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { chainOf } from "../testing/log-contract.ts"
import { encodeLogHeader } from "./log-header.ts"
import { MemoryDisk } from "./memory-log.ts"
import { encodeGroup } from "./record.ts"

beforeAll(loadChecksum)

const fresh = () => encodeLogHeader({ generation: 1, checkpoint: null, liveBytes: 0 })

describe("the bytes of a memory disk", () => {
  test("are a header at first, and opening and appending nothing adds no byte", async () => {
    const disk = new MemoryDisk()
    for (let times = 0; times < 2; times++) {
      const { log } = await disk.open("d")
      expect(log.isDurable).toBe(true)
      await log.append([])
      expect(disk.bytes("d")).toEqual(fresh())
      await log.close()
    }
  })

  test("are after an append the header and its group, also when the log was opened again", async () => {
    const disk = new MemoryDisk()
    const { log } = await disk.open("d")
    await log.append(chainOf("s", ["1"]))
    await log.close()
    await disk.open("d")
    expect(disk.bytes("d")).toEqual(new Uint8Array([...fresh(), ...encodeGroup(1, chainOf("s", ["1"]))]))
  })

  test("are exactly those that damage leaves", async () => {
    const disk = new MemoryDisk()
    await (await disk.open("d")).log.close()
    disk.damage("d", (log) => log.slice(0, 5))
    expect(disk.bytes("d")).toEqual(fresh().slice(0, 5))
  })

  test("that were not synced are lost in a crash, unless the test says otherwise (I13)", async () => {
    const disk = new MemoryDisk(() => new Promise(() => {}))
    const { log } = await disk.open("d")
    void log.append(chainOf("s", ["1"]))
    expect(disk.bytes("d").length).toBeGreaterThan(fresh().length)
    disk.crash()
    expect(disk.bytes("d")).toEqual(fresh())
  })
})

test("deposing the owner of a document that is not open changes nothing (I14)", async () => {
  const disk = new MemoryDisk()
  await (await disk.open("d")).log.close()
  disk.depose("d")
  const { log } = await disk.open("d")
  await log.append(chainOf("s", ["1"]))
})
