import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { writePlain } from "../base/plain.ts"
import type { LogRecord, OpenedLog } from "../journal/log.ts"
import { MemoryDisk, openMemoryLog } from "../journal/memory-log.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import type { Changeset } from "../storage/changeset.ts"
import { encodeWhole } from "../storage/delta.ts"
import { PageTable } from "../storage/page-table.ts"
import { Storage } from "../storage/storage.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { timelineStream } from "../timeline/timeline.ts"
import type { RejectedMutation } from "./local-entries.ts"
import { LocalStore } from "./local-store.ts"
import { pendingAtRest } from "./log-at-rest.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new SeededRandom(1))
const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" })
const page = (fill: number) => new Uint8Array(PAGE_BYTES).fill(fill)
const rejection = (uid: string): RejectedMutation => ({ uid, name: "n", args: null, at: 1, code: "NO", data: null })

function whole(...fills: number[]): Changeset {
  const pages = fills.map((fill, i) => ({ pageNo: i + 1, deltas: [encodeWhole(page(fill))] }))
  return { pageCount: fills.length, isWhole: true, before: null, after: new Storage(fills.map(page)).checksum, pages }
}

function keptIn(stream: string, value: unknown): OpenedLog {
  const writer = new ByteWriter()
  writePlain(writer, value)
  const payload = writer.finish()
  const entry: LogRecord = {
    stream,
    lsn: lsn(1),
    type: "entry",
    payload,
    previousHash: 0n,
    hash: chainHash(0n, payload),
  }
  return { ...openMemoryLog(), records: [entry] }
}

function baseOf(fill: number) {
  const table = new PageTable()
  table.load([page(fill)])
  return { epoch: "e", cursor: lsn(fill), base: { table, pageCount: 1, checksum: table.checksum } }
}

function receiveWhole(store: LocalStore, fill: number, isWhole = true): void {
  store.receive({ epoch: "e", cursor: lsn(fill), changeset: { ...whole(fill), isWhole } })
}

/** A store, and how many entries of a stream its log holds when it is closed. */
async function setUp(rollupBytes?: number) {
  const disk = new MemoryDisk()
  const store = new LocalStore(await disk.open("d"), host, rollupBytes)
  const receive = (fill: number, isWhole = true) => receiveWhole(store, fill, isWhole)
  const rest = async () => {
    await store.streams.close()
    const opened = await disk.open("d")
    const entries = (stream: string) =>
      opened.records.filter((record) => record.stream === stream && record.type === "entry").length
    return { opened, entries }
  }
  return { store, receive, rest }
}

describe("what a rollup leaves of a log (I17)", () => {
  test("is the base once, the last decisions in one entry, and what is still open", async () => {
    const { store, receive, rest } = await setUp()
    for (const fill of [1, 2, 3]) receive(fill)
    for (const uid of ["a", "b", "c"]) store.reject(rejection(uid))
    store.dismiss("a")
    for (const at of [1, 2, 3]) store.settle(lsn(at), [{ uid: `u${at}`, outcome: { type: "applied", lsn: lsn(at) } }])
    await store.rollup()
    const { opened, entries } = await rest()
    expect(opened.checkpoint?.pages).toEqual([page(3)])
    expect(["base", "settled", "rejections"].map(entries)).toEqual([0, 1, 2])
    const again = new LocalStore(opened, host)
    expect([again.cursor, again.settledTo, again.rejections.map(({ uid }) => uid)]).toEqual([3, 3, ["b", "c"]])
    expect(again.outcomeOf("u1")).toEqual({ type: "applied", lsn: 3 })
  })

  test("is nothing where there was nothing, and may be written twice", async () => {
    const { store, rest } = await setUp()
    await store.rollup()
    await store.rollup()
    const { entries } = await rest()
    expect(["base", "settled", "rejections"].map(entries)).toEqual([0, 0, 0])
  })

  test("has refused mutations that were not durable yet", async () => {
    const { store, rest } = await setUp()
    store.refuse([rejection("a")], () => {})
    await store.rollup()
    const { opened } = await rest()
    expect(new LocalStore(opened, host).rejections).toEqual([rejection("a")])
  })
})

describe("while a base is written anew (I17)", () => {
  test("flushes go on, and what they append stays behind it", async () => {
    const { store, receive, rest } = await setUp()
    receive(1)
    const rollup = store.rollup()
    store.reject(rejection("a"))
    receive(2, false)
    store.settle(lsn(5))
    await store.flush()
    await rollup
    const { opened, entries } = await rest()
    expect([opened.checkpoint?.pages, entries("base")]).toEqual([[page(1)], 1])
    const again = new LocalStore(opened, host)
    expect([again.cursor, again.settledTo, again.rejections.length]).toEqual([2, 5, 1])
    expect(again.storage.page(1)).toEqual(page(2))
  })

  test.each([
    ["a dropped base", (store: LocalStore) => store.dropBase(), [], 0],
    ["a whole base", (store: LocalStore) => store.receiveBase(baseOf(2)), [page(2)], 2],
  ])("%s takes its place", async (_what, change, pages, cursor) => {
    const { store, receive, rest } = await setUp()
    receive(1)
    const rollup = store.rollup()
    change(store)
    await rollup
    const { opened, entries } = await rest()
    expect([opened.checkpoint?.pages, entries("base")]).toEqual([pages, 0])
    expect(new LocalStore(opened, host).cursor).toBe(cursor)
  })
})

test("a whole base that comes while the last one is being named is kept by the same flush (I12)", async () => {
  let syncs = 0
  const disk = new MemoryDisk(async () => {
    // The first is that of the pages, the second that of the header.
    if (++syncs === 2) store.receiveBase(baseOf(2))
  })
  const store = new LocalStore(await disk.open("d"), host)
  store.receiveBase(baseOf(1))
  await store.flush()
  await store.close()
  const opened = await disk.open("d")
  expect([opened.checkpoint?.pages, new LocalStore(opened, host).cursor]).toEqual([[page(2)], 2])
})

describe("a log is written anew (I17)", () => {
  test("not while it is small", async () => {
    const { store, receive, rest } = await setUp()
    for (const fill of [1, 2]) receive(fill)
    await store.flush()
    expect(store.rollupIfDue()).toBeUndefined()
    expect((await rest()).opened.checkpoint).toBeNull()
  })

  test("at once when a whole base has arrived, however well it compresses: the next start reads pages, not deltas", async () => {
    const { store, rest } = await setUp()
    const changeset = whole(...Array.from({ length: 300 }, () => 7))
    store.receive({ epoch: "e", cursor: lsn(1), changeset })
    await store.flush()
    await store.rollupIfDue()
    const { opened, entries } = await rest()
    expect([opened.checkpoint?.pages.length, entries("base")]).toEqual([300, 0])
  })

  test("whenever it has grown past its limit, again and again", async () => {
    const { store, receive, rest } = await setUp(1)
    for (const fill of [1, 2, 3]) {
      receive(fill)
      await store.flush()
      await store.rollupIfDue()
    }
    const { opened, entries } = await rest()
    expect([opened.checkpoint?.pages, entries("base")]).toEqual([[page(3)], 0])
  })
})

describe("a base at rest (S11)", () => {
  test("that does not follow the last one is dropped; a later whole one is used", async () => {
    const { store, rest } = await setUp()
    store.receive({ epoch: "e", cursor: lsn(1), changeset: whole(1) })
    const wrong = { ...whole(2), isWhole: false, before: 1n }
    expect(() => store.receive({ epoch: "f", cursor: lsn(2), changeset: wrong })).toThrow()
    expect([store.epoch, store.cursor]).toEqual(["e", 1])
    const { opened } = await rest()
    const [first] = opened.records.filter(({ stream, type }) => stream === "base" && type === "entry")
    const bytes = new ByteWriter().text("f").uint(2).finish()
    const bad: LogRecord = {
      ...first,
      type: "entry",
      lsn: lsn(2),
      payload: bytes,
      previousHash: first.hash,
      hash: chainHash(first.hash, bytes),
    }
    const again = new LocalStore({ ...opened, records: [...opened.records, bad] }, host)
    expect([again.epoch, again.cursor, again.storage.basePageCount]).toEqual(["", 0, 0])
  })

  test("that is new has no epoch, and nothing is decided without one", async () => {
    const { store, receive } = await setUp()
    expect([store.epoch, store.settledTo]).toEqual(["", 0])
    receive(1)
    store.settle(lsn(2))
    expect(store.settledTo).toBe(2)
    store.dropBase()
    expect([store.epoch, store.settledTo]).toEqual(["", 0])
  })
})

test("an entry without what it must have is LOG_CORRUPT (S9)", () => {
  const wrong: [string, unknown][] = [
    ["settled", { lsn: 1 }],
    ["settled", { clientId: "a" }],
    ["rejections", { type: "dismissed" }],
    ["rejections", { type: "other", rejection: rejection("a") }],
    ["rejections", { rejection: rejection("a") }],
  ]
  for (const [stream, value] of wrong) expect(() => new LocalStore(keptIn(stream, value), host)).toThrow(corrupt)
})

test("decisions of another client id do not count for this one", async () => {
  const { store, rest } = await setUp()
  const timeline = store.streams.journal(timelineStream(store.clientId), mutationCodec)
  for (const n of [1, 2])
    timeline.append({ uid: `00000000-0000-7000-8000-00000000000${n}`, name: "n", args: null, at: 1 })
  const { opened } = await rest()
  const other = keptIn("settled", { clientId: "other", lsn: 2 })
  expect(pendingAtRest({ ...opened, records: [...opened.records, ...other.records] })).toBe(2)
})
