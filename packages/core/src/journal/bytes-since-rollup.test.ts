import { beforeAll, describe, expect, test } from "vitest"
import { bytesToText, textToBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { MemoryDisk } from "./memory-log.ts"
import { Streams } from "./streams.ts"

beforeAll(loadChecksum)

const text = { encode: textToBytes, decode: bytesToText }
const NO_PAGES = { meta: new Uint8Array(0), pages: [] }

describe("bytesSinceRollup", () => {
  test("grows with what is appended, also before it is flushed, and begins anew with a rollup", async () => {
    const streams = new Streams(await new MemoryDisk().open("d"))
    expect(streams.bytesSinceRollup).toBe(0)
    streams.journal("a", text).append("x".repeat(100))
    const afterOne = streams.bytesSinceRollup
    expect(afterOne).toBeGreaterThan(100)
    streams.journal("b", text).append("x".repeat(100))
    expect(streams.bytesSinceRollup).toBe(2 * afterOne)
    const rolledUp = streams.rollup(NO_PAGES)
    expect(streams.bytesSinceRollup).toBe(0)
    await rolledUp
  })

  test("counts the bytes at rest at the open, so that a log opened often is rolled up too", async () => {
    const disk = new MemoryDisk()
    const streams = new Streams(await disk.open("d"))
    streams.journal("a", text).append("x".repeat(100))
    const { bytesSinceRollup } = streams
    await streams.close()
    expect(new Streams(await disk.open("d")).bytesSinceRollup).toBe(bytesSinceRollup)
  })
})

describe("drop", () => {
  test("of a stream that holds nothing writes nothing", async () => {
    const streams = new Streams(await new MemoryDisk().open("d"))
    streams.drop("never")
    streams.journal("empty", text)
    streams.drop("empty")
    expect([streams.isDirty, streams.bytesSinceRollup]).toEqual([false, 0])
  })
})
