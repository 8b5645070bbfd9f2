import { beforeAll, expect, test } from "vitest"
import { bytesToText, textToBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { openMemoryLog } from "./memory-log.ts"
import { Streams } from "./streams.ts"

beforeAll(loadChecksum)

const text = { encode: textToBytes, decode: bytesToText }

/** A disk whose next write ends when the test says so. */
function slowStreams() {
  const ends: { resolve: () => void; reject: (error: unknown) => void }[] = []
  const append = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
  const { log } = openMemoryLog()
  const streams = new Streams({ log: { ...log, append }, checkpoint: null, records: [] })
  return { streams, journal: streams.journal("s", text), ends }
}

test("a flush with nothing new waits for the one under way; the streams are dirty meanwhile (I3)", async () => {
  const { streams, journal, ends } = slowStreams()
  journal.append("a")
  const first = streams.flush()
  let isDurable = false
  const second = streams.flush().then(() => {
    isDurable = true
  })
  for (let i = 0; i < 20; i++) await Promise.resolve()
  expect([isDurable, streams.isDirty]).toEqual([false, true])
  ends[0].resolve()
  await Promise.all([first, second])
  expect(streams.isDirty).toBe(false)
})

test("a flush with nothing new fails with the one that is under way (T19)", async () => {
  const { streams, journal, ends } = slowStreams()
  journal.append("a")
  const flushes = [streams.flush(), streams.flush()]
  for (let i = 0; i < 20; i++) await Promise.resolve()
  ends[0].reject("no space on the disk")
  for (const flush of flushes) await expect(flush).rejects.toMatchObject({ code: "LOG_FAILED" })
})
