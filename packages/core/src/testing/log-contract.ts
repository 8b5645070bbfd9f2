import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { bytesEqual } from "../base/bytes.ts"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { anchorRecord } from "../journal/chain.ts"
import type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "../journal/log.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"

/** One document on some disk, empty at first, and the damage that the port's disk can have. */
export interface LogContractDisk {
  open(): Promise<OpenedLog>
  /** Cuts the last append group in half, as a power failure in its write would. Absent where writes cannot tear. */
  tearTail?(): Promise<void>
  /** Flips a byte of the first append group since the last rollup. */
  damageFirstGroup(): Promise<void>
  /** Takes the log from its owner unnoticed: another may open it, the first one's appends are LOG_DEPOSED. */
  depose?(): Promise<void>
  /** False where ownership is not the log's own business. */
  readonly isOwned: boolean
  dispose(): Promise<void>
}

/** What every DocumentLog keeps. Each test gets a fresh disk. */
export function logContract(name: string, make: () => Promise<LogContractDisk>): void {
  describe(`the log contract: ${name}`, () => {
    let disk: LogContractDisk
    const opened: DocumentLog[] = []

    beforeAll(loadChecksum)
    beforeEach(async () => {
      disk = await make()
    })
    afterEach(async () => {
      for (const log of opened.splice(0)) await log.close()
      await disk.dispose()
    })

    async function open(): Promise<OpenedLog> {
      const result = await disk.open()
      opened.push(result.log)
      return result
    }

    async function reopen(log: DocumentLog): Promise<OpenedLog> {
      await log.close()
      return open()
    }

    test("a new log is empty", async () => {
      const { log, checkpoint, records } = await open()
      expect([checkpoint, records]).toEqual([null, []])
      const again = await reopen(log)
      expect([again.checkpoint, again.records]).toEqual([null, []])
    })

    test("what was appended comes back in one order over all streams (I3)", async () => {
      const { log } = await open()
      const a = chainOf("a", ["1", "2"])
      const b = chainOf("b", ["1", "2"])
      await log.append([a[0], b[0]])
      await log.append([b[1]])
      await log.append([a[1]])
      const again = await reopen(log)
      expect(again.records).toEqual([a[0], b[0], b[1], a[1]])
      const more = chainOf("c", ["1"])
      await again.log.append(more)
      expect((await reopen(again.log)).records).toEqual([a[0], b[0], b[1], a[1], ...more])
    })

    test("appending nothing changes nothing", async () => {
      const { log } = await open()
      await log.append([])
      expect((await reopen(log)).records).toEqual([])
    })

    test("empty payloads, long names and full hashes come back", async () => {
      const { log } = await open()
      const empty = chainOf("é".repeat(64), ["", ""])
      const anchor = anchorRecord("x", lsn(2 ** 40), 2n ** 64n - 1n)
      await log.append([...empty, anchor])
      expect((await reopen(log)).records).toEqual([...empty, anchor])
    })

    test("1,000 small records in 100 groups come back", async () => {
      const { log } = await open()
      const records = chainOf(
        "s",
        Array.from({ length: 1000 }, (_, i) => `entry ${i}`),
      )
      for (let at = 0; at < records.length; at += 10) await log.append(records.slice(at, at + 10))
      expect((await reopen(log)).records).toEqual(records)
    })

    test("a payload of 1 MB comes back", async () => {
      const { log } = await open()
      const payload = new Uint8Array(1_000_000).map((_, i) => i * 31 + (i >> 8))
      const records = [entryAfter("s", LSN_ZERO, 0n, payload)]
      await log.append(records)
      const [found] = (await reopen(log)).records
      expect(found.hash).toBe(records[0].hash)
      expect(bytesEqual(found.payload, payload)).toBe(true)
    })

    test("a rollup replaces the past by checkpoint and live records (I12)", async () => {
      const { log } = await open()
      const records = chainOf("s", ["1", "2", "3"])
      await log.append(records)
      const live = [anchorRecord("s", lsn(2), records[1].hash), records[2]]
      const checkpoint = checkpointOf(7, 3)
      await log.rollup(checkpoint, live)
      const after = chainOf("t", ["1"])
      await log.append(after)
      const again = await reopen(log)
      expect(again.checkpoint).toEqual(checkpoint)
      expect(again.records).toEqual([...live, ...after])
    })

    test("rollups follow each other, with more, fewer and no pages, and no live records", async () => {
      let { log } = await open()
      for (const pageCount of [1, 300, 2, 0, 5]) {
        const checkpoint = checkpointOf(pageCount, pageCount)
        await log.append(chainOf(`before ${pageCount}`, ["x"]))
        await log.rollup(checkpoint, [])
        const again = await reopen(log)
        expect(again.checkpoint?.meta).toEqual(checkpoint.meta)
        // Byte by byte in the assertion library, 300 pages would take seconds.
        expect(again.checkpoint?.pages.length).toBe(pageCount)
        expect(
          checkpoint.pages.every((page, i) => bytesEqual(page, again.checkpoint?.pages[i] ?? page.subarray(1))),
        ).toBe(true)
        expect(again.records).toEqual([])
        log = again.log
      }
    })

    test("pages are written beside appends, for the rollup that gets the same ones (I12)", async () => {
      const { log } = await open()
      if (log.prepare === undefined) return
      const records = chainOf("s", ["1", "2"])
      const checkpoint = checkpointOf(3, 300)
      await Promise.all([log.append(records.slice(0, 1)), log.prepare(checkpoint.pages)])
      await log.append(records.slice(1))
      const second = await reopen(log)
      expect([second.checkpoint, second.records]).toEqual([null, records])
      await second.log.prepare?.(checkpoint.pages)
      await second.log.rollup(checkpoint, records.slice(1))
      const third = await reopen(second.log)
      expect([third.checkpoint?.pages.length, third.records.length]).toEqual([300, 1])
      // Others than were prepared.
      await third.log.prepare?.(checkpoint.pages)
      await third.log.rollup(checkpointOf(4, 2), [])
      expect((await reopen(third.log)).checkpoint).toEqual(checkpointOf(4, 2))
    })

    test("a caller may reuse its arrays after the call has resolved", async () => {
      const { log } = await open()
      const page = new Uint8Array(PAGE_BYTES).fill(1)
      const pages = [page]
      await log.rollup({ meta: new Uint8Array([1]), pages }, [])
      pages.pop()
      const records = chainOf("s", ["1"])
      const given = [...records]
      await log.append(given)
      given.pop()
      const again = await reopen(log)
      expect([again.checkpoint?.pages, again.records]).toEqual([[page], records])
    })

    test("a closed log refuses, and closes twice", async () => {
      const { log } = await open()
      await log.close()
      await log.close()
      await expect(log.append(chainOf("s", ["1"]))).rejects.toMatchObject({ code: "LOG_CLOSED" })
      await expect(log.rollup(checkpointOf(1, 1), [])).rejects.toMatchObject({ code: "LOG_CLOSED" })
    })

    test("damage in the middle is LOG_CORRUPT, every time, and nothing is cut (I11)", async () => {
      const { log } = await open()
      const records = chainOf("s", ["1", "2", "3"])
      for (const record of records) await log.append([record])
      await log.close()
      await disk.damageFirstGroup()
      for (let i = 0; i < 2; i++) await expect(disk.open()).rejects.toMatchObject({ code: "LOG_CORRUPT" })
      await disk.damageFirstGroup()
      expect((await open()).records).toEqual(records)
    })

    test("a torn group is dropped as a whole, and the log goes on behind it (I11, I13)", async () => {
      if (disk.tearTail === undefined) return
      const { log } = await open()
      const records = chainOf("s", ["1", "2", "3", "4"])
      await log.append(records.slice(0, 1))
      await log.append(records.slice(1, 4))
      await log.close()
      await disk.tearTail()
      const first = await open()
      expect(first.records).toEqual(records.slice(0, 1))
      const second = await reopen(first.log)
      expect(second.records).toEqual(records.slice(0, 1))
      await second.log.append(records.slice(1, 2))
      expect((await reopen(second.log)).records).toEqual(records.slice(0, 2))
    })

    test("an open log is not opened again until it is closed (I14)", async () => {
      if (!disk.isOwned) return
      const { log } = await open()
      await expect(disk.open()).rejects.toMatchObject({ code: "LOG_OWNED" })
      await log.append(chainOf("s", ["1"]))
      expect((await reopen(log)).records.length).toBe(1)
    })

    test("a deposed owner's append is refused by the log, and the new owner's is not (I14)", async () => {
      if (disk.depose === undefined) return
      const { log } = await open()
      const records = chainOf("s", ["1", "2"])
      await log.append(records.slice(0, 1))
      await disk.depose()
      const newOwner = await open()
      await expect(log.append(chainOf("t", ["1"]))).rejects.toMatchObject({ code: "LOG_DEPOSED" })
      await expect(log.rollup(checkpointOf(1, 1), [])).rejects.toMatchObject({ code: "LOG_DEPOSED" })
      await log.close()
      await newOwner.log.append(records.slice(1))
      expect((await reopen(newOwner.log)).records).toEqual(records)
    })
  })
}

/** Records of one stream from 1 on, chained. */
export function chainOf(stream: string, texts: readonly string[]): LogRecord[] {
  const records: LogRecord[] = []
  for (const text of texts) {
    const last = records.at(-1)
    records.push(entryAfter(stream, last?.lsn ?? LSN_ZERO, last?.hash ?? 0n, new TextEncoder().encode(text)))
  }
  return records
}

/** `pageCount` pages that differ from each other and from those of another `seed`. */
export function checkpointOf(seed: number, pageCount: number): Checkpoint {
  const pages = Array.from({ length: pageCount }, (_, i) => new Uint8Array(PAGE_BYTES).fill((seed * 7 + i) & 0xff))
  return { meta: new Uint8Array([seed & 0xff]), pages }
}

function entryAfter(stream: string, at: number, previousHash: bigint, payload: Uint8Array): LogRecord {
  const hash = chainHash(previousHash, payload)
  return { stream, lsn: lsn(at + 1), type: "entry", payload, previousHash, hash }
}
