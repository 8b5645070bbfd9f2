import fc from "fast-check"
import { beforeAll, describe, expect, test } from "vitest"
import { bytesToText, textToBytes } from "../base/bytes.ts"
import { loadChecksum } from "../base/checksum.ts"
import { LfError } from "../base/error.ts"
import { lsn } from "../base/lsn.ts"
import { anchorRecord } from "./chain.ts"
import type { EntryCodec, Journal } from "./journal.ts"
import type { Checkpoint, DocumentLog, LogRecord, OpenedLog } from "./log.ts"
import { MemoryDisk, openMemoryLog } from "./memory-log.ts"
import { Streams } from "./streams.ts"

beforeAll(loadChecksum)

const text: EntryCodec<string> = { encode: textToBytes, decode: bytesToText }
const NO_PAGES: Checkpoint = { meta: new Uint8Array([1]), pages: [] }
const entriesOf = (journal: Journal<string>) => [...journal.iter()].map(({ entry }) => entry)
const open = async (disk: MemoryDisk) => new Streams(await disk.open("d"))

/** A log that settles only when the test says so, and keeps what it was given. */
class SlowLog implements DocumentLog {
  readonly isDurable = true
  readonly calls: string[] = []
  readonly #settle: ((error?: Error) => void)[] = []

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#call(`append ${records.map((r) => bytesToText(r.payload)).join("")}`)
  }
  rollup(_: Checkpoint, live: readonly LogRecord[]): Promise<void> {
    return this.#call(`rollup ${live.map((r) => bytesToText(r.payload)).join("")}`)
  }
  async close(): Promise<void> {
    this.calls.push("close")
  }
  async next(error?: Error): Promise<void> {
    this.#settle.shift()?.(error)
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  #call(name: string): Promise<void> {
    this.calls.push(name)
    return new Promise((resolve, reject) => this.#settle.push((error) => (error ? reject(error) : resolve())))
  }
}

function slowStreams() {
  const log = new SlowLog()
  const streams = new Streams({ log, checkpoint: null, records: [] })
  return { log, streams, journal: streams.journal("s", text) }
}

describe("streams", () => {
  test("flushed entries come back, others do not (I3)", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    streams.journal("a", text).append("a1")
    streams.journal("b", text).append("b1")
    expect(streams.isDirty).toBe(true)
    await streams.flush()
    expect(streams.isDirty).toBe(false)
    streams.journal("a", text).append("a2")
    disk.crash()
    const again = await open(disk)
    expect(again.names()).toEqual(["a", "b"])
    expect(entriesOf(again.journal("a", text))).toEqual(["a1"])
    expect(entriesOf(again.journal("b", text))).toEqual(["b1"])
  })

  test("the same name gives the same journal", async () => {
    const streams = await open(new MemoryDisk())
    expect(streams.journal("a", text)).toBe(streams.journal("a", text))
    expect(streams.names()).toEqual([])
  })

  test("flushes during a flush wait and write the rest in one", async () => {
    const { log, streams, journal } = slowStreams()
    journal.append("1")
    const first = streams.flush()
    journal.append("2")
    const second = streams.flush()
    journal.append("3")
    const third = streams.flush()
    expect(log.calls).toEqual(["append 1"])
    await log.next()
    await first
    expect(log.calls).toEqual(["append 1", "append 23"])
    await log.next()
    await Promise.all([second, third])
    await streams.flush()
    expect(log.calls.length).toBe(2)
  })

  test("a rollup holds what is pending at its call; later entries are appended after it", async () => {
    const { log, streams, journal } = slowStreams()
    journal.append("1")
    const first = streams.flush()
    journal.append("2")
    const rollup = streams.rollup(NO_PAGES)
    const covered = streams.flush()
    journal.append("3")
    const last = streams.flush()
    for (let i = 0; i < 3; i++) await log.next()
    await Promise.all([first, rollup, covered, last])
    expect(log.calls).toEqual(["append 1", "rollup 12", "append 3"])
    expect(streams.isDirty).toBe(false)
  })

  test("after a failure every call rejects with the same error and nothing reaches the log (T19)", async () => {
    const { log, streams, journal } = slowStreams()
    journal.append("1")
    const first = streams.flush().catch((error) => error)
    journal.append("2")
    const second = streams.flush().catch((error) => error)
    await log.next(new LfError("LOG_FULL", "disk full"))
    const error = await first
    expect(error).toMatchObject({ code: "LOG_FULL" })
    expect(await second).toBe(error)
    expect(await streams.flush().catch((e) => e)).toBe(error)
    expect(await streams.rollup(NO_PAGES).catch((e) => e)).toBe(error)
    expect(() => journal.append("3")).toThrow(error)
    expect(journal.lsn()).toBe(2)
    await streams.close()
    expect(log.calls).toEqual(["append 1", "close"])
  })

  test("an unknown error of the log becomes LOG_FAILED with its cause", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    streams.journal("a", text).append("a1")
    const cause = new Error("EIO")
    disk.failNext(cause)
    await expect(streams.flush()).rejects.toMatchObject({ code: "LOG_FAILED", cause })
  })

  test("close flushes, then appends are refused and the log may be opened again", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    const journal = streams.journal("a", text)
    journal.append("a1")
    await Promise.all([streams.close(), streams.close()])
    expect(() => journal.append("a2")).toThrow(expect.objectContaining({ code: "LOG_CLOSED" }))
    await expect(streams.flush()).rejects.toMatchObject({ code: "LOG_CLOSED" })
    expect(entriesOf((await open(disk)).journal("a", text))).toEqual(["a1"])
  })

  test("a rollup keeps the chain above what the journals dropped (I12)", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    const journal = streams.journal("a", text)
    for (const entry of ["1", "2", "3"]) journal.append(entry)
    journal.rollup(lsn(2))
    const gone = streams.journal("gone", text)
    gone.append("x")
    gone.rollup(lsn(1))
    await streams.rollup({ meta: new Uint8Array([9]), pages: [new Uint8Array(4096).fill(3)] })
    expect(streams.bytesSinceRollup).toBe(0)
    await streams.close()
    const again = await open(disk)
    expect(again.checkpoint).toEqual({ meta: new Uint8Array([9]), pages: [new Uint8Array(4096).fill(3)] })
    const same = again.journal("a", text)
    expect([same.start(), same.lsn(), same.hash(), same.hashAt(lsn(2))]).toEqual([
      2,
      3,
      journal.hash(),
      journal.hashAt(lsn(2)),
    ])
    expect([again.journal("gone", text).start(), again.journal("gone", text).hash()]).toEqual([1, gone.hash()])
    expect(same.append("4")).toBe(4)
  })

  test("a dropped stream is gone with the next flush, and may begin again from 1", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    const old = streams.journal("a", text)
    old.append("1")
    await streams.flush()
    streams.drop("a")
    expect(() => old.append("2")).toThrow("assertion")
    expect(streams.names()).toEqual([])
    streams.journal("a", text).append("new")
    await streams.close()
    const again = await open(disk)
    expect(entriesOf(again.journal("a", text))).toEqual(["new"])
    again.drop("a")
    await again.rollup(NO_PAGES)
    await again.close()
    expect((await open(disk)).names()).toEqual([])
  })

  test("an anchor with cut or too many hashes, or that nothing can follow, is corruption (I11)", () => {
    const anchor = anchorRecord("s", lsn(2), 5n, [3n, 4n])
    const opened = (record: LogRecord): OpenedLog => ({ ...openMemoryLog(), records: [record] })
    for (const bad of [
      { ...anchor, payload: anchor.payload.slice(1) },
      { ...anchor, lsn: lsn(1) },
      { ...anchor, lsn: lsn(Number.MAX_SAFE_INTEGER) },
    ])
      expect(() => new Streams(opened(bad))).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    expect(new Streams(opened(anchor)).journal("s", text).lsn()).toBe(2)
  })

  test("a missing, doubled, misplaced or foreign record is corruption (I11)", async () => {
    const records: LogRecord[] = []
    const { streams, journal } = slowStreams()
    for (const entry of ["1", "2", "3"]) journal.append(entry)
    const log: DocumentLog = {
      isDurable: true,
      append: async (given) => void records.push(...given),
      rollup: async () => {},
      close: async () => {},
    }
    const kept = new Streams({ log, checkpoint: null, records: [] })
    for (const entry of ["1", "2", "3"]) kept.journal("s", text).append(entry)
    await kept.flush()
    expect(streams.journal("s", text).hash()).toBe(kept.journal("s", text).hash())
    const [one, two, three] = records
    const opened = (given: LogRecord[]): OpenedLog => ({ log, checkpoint: null, records: given })
    for (const bad of [
      [one, three],
      [one, one],
      [two],
      [one, three, two],
      [one, { ...two, payload: textToBytes("x") }],
      [one, { ...two, previousHash: 5n }],
      [one, { ...two, type: "anchor" as const }],
    ])
      expect(() => new Streams(opened(bad))).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }))
    expect(new Streams(opened([one, two, three])).journal("s", text).lsn()).toBe(3)
  })

  test("a memory log works and says that it is not durable", async () => {
    const streams = new Streams(openMemoryLog())
    expect(streams.isDurable).toBe(false)
    streams.journal("a", text).append("1")
    await streams.rollup(NO_PAGES)
    await streams.close()
  })

  test("any sequence of appends, flushes, rollups and crashes equals the model (I3, I12, I13)", async () => {
    const name = fc.constantFrom("a", "b")
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("append" as const), name }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("flush" as const), wait: fc.boolean() }) },
      fc.record({ do: fc.constant("rollup" as const), wait: fc.boolean() }),
      fc.record({ do: fc.constant("trim" as const), name }),
      fc.record({ do: fc.constant("drop" as const), name }),
      fc.record({ do: fc.constant("crash" as const), keep: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ do: fc.constant("reopen" as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const disk = new MemoryDisk()
        let streams = await open(disk)
        // Each state is the entries of every stream; `acked` is the index of the last one known to be durable.
        let states: Record<string, string[]>[] = [{}]
        let acked = 0
        let count = 0
        const push = (change: (state: Record<string, string[]>) => void) => {
          const state = structuredClone(states[states.length - 1])
          change(state)
          states.push(state)
        }
        const settle = (done: Promise<void>, at: number) =>
          done.then(
            () => {
              acked = Math.max(acked, at)
            },
            () => {},
          )
        const check = () => {
          const found = Object.fromEntries(
            streams.names().map((n) => {
              const journal = streams.journal(n, text)
              return [n, { lsn: journal.lsn(), tail: entriesOf(journal) }]
            }),
          )
          const at = states.findLastIndex((state) => isState(found, state))
          expect(at).toBeGreaterThanOrEqual(acked)
          states = [states[at]]
          acked = 0
        }
        for (const now of steps) {
          if (now.do === "append") {
            const entry = `${count++}`
            streams.journal(now.name, text).append(entry)
            push((state) => {
              state[now.name] = [...(state[now.name] ?? []), entry]
            })
          } else if (now.do === "drop") {
            streams.drop(now.name)
            push((state) => {
              delete state[now.name]
            })
          } else if (now.do === "trim") {
            const journal = streams.journal(now.name, text)
            journal.rollup(lsn(Math.ceil((journal.start() + journal.lsn()) / 2)))
          } else if (now.do === "flush" || now.do === "rollup") {
            const done = settle(now.do === "flush" ? streams.flush() : streams.rollup(NO_PAGES), states.length - 1)
            if (now.wait) await done
          } else {
            const { keep } = now.do === "crash" ? now : { keep: 0 }
            if (now.do === "reopen") await settle(streams.close(), states.length - 1)
            else disk.crash((unsynced) => Math.round(keep * unsynced))
            const dead = acked
            streams = await open(disk)
            acked = Math.max(dead, acked)
            check()
          }
        }
      }),
      { numRuns: 400 },
    )
  })
})

/** `found` has every stream of `state` to the same position, with the same entries where it still has them. */
function isState(found: Record<string, { lsn: number; tail: string[] }>, state: Record<string, string[]>): boolean {
  const names = Object.keys(state)
  if (names.length !== Object.keys(found).length) return false
  return names.every((name) => {
    const journal = found[name]
    if (journal === undefined || journal.lsn !== state[name].length) return false
    const tail = journal.tail.length === 0 ? [] : state[name].slice(-journal.tail.length)
    return tail.join() === journal.tail.join()
  })
}

describe("a rollup whose pages are prepared", () => {
  test("keeps what was appended meanwhile, in a chain that goes on behind it", async () => {
    const disk = new MemoryDisk()
    const streams = await open(disk)
    const journal = streams.journal("s", text)
    journal.append("before")
    await streams.flush()
    const checkpoint: Checkpoint = { meta: new Uint8Array([7]), pages: [new Uint8Array(4096)] }
    journal.rollup(journal.lsn())
    const prepared = streams.prepare(checkpoint.pages)
    journal.append("meanwhile")
    await streams.flush()
    await prepared
    await streams.rollup(checkpoint)
    journal.append("after")
    await streams.close()
    const again = await open(disk)
    expect(again.checkpoint?.meta).toEqual(checkpoint.meta)
    expect(entriesOf(again.journal("s", text))).toEqual(["meanwhile", "after"])
  })

  test("fails everything that follows when they cannot be written (T19)", async () => {
    const log: DocumentLog = {
      ...openMemoryLog().log,
      prepare: async () => {
        throw new LfError("LOG_FULL", "no room")
      },
    }
    const streams = new Streams({ log, checkpoint: null, records: [] })
    const full = { code: "LOG_FULL" }
    await expect(streams.prepare([])).rejects.toMatchObject(full)
    expect(() => streams.journal("s", text).append("x")).toThrow(expect.objectContaining(full))
    await expect(streams.flush()).rejects.toMatchObject(full)
    await expect(streams.prepare([])).rejects.toMatchObject(full)
  })
})
