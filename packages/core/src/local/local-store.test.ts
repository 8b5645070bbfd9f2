import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { deriveForkSecret } from "../base/ids.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
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
import { isAwaited, pendingAtRest } from "./log-at-rest.ts"
import { OUTCOMES_KEPT } from "./receipts.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new SeededRandom(1))
const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" })
const page = (fill: number) => new Uint8Array(PAGE_BYTES).fill(fill)
const rejection = (uid: string): RejectedMutation => ({ uid, name: "n", args: null, at: 1, code: "NO", data: null })

function whole(...fills: number[]): Changeset {
  const pages = fills.map((fill, i) => ({ pageNo: i + 1, deltas: [encodeWhole(page(fill))] }))
  const after = new Storage(fills.map(page)).checksum
  return { pageCount: fills.length, isWhole: true, before: null, after, pages }
}

function entriesIn(stream: string, payloads: readonly Uint8Array[]): LogRecord[] {
  let hash = 0n
  return payloads.map((payload, i) => {
    const previousHash = hash
    hash = chainHash(previousHash, payload)
    return { stream, lsn: lsn(i + 1), type: "entry", payload, previousHash, hash }
  })
}

const kept = (stream: string, ...payloads: Uint8Array[]): OpenedLog => ({
  ...openMemoryLog(),
  records: entriesIn(stream, payloads),
})

function plainBytes(value: unknown): Uint8Array {
  const writer = new ByteWriter()
  writePlain(writer, value)
  return writer.finish()
}

async function reopened(disk: MemoryDisk): Promise<LocalStore> {
  return new LocalStore(await disk.open("d"), host)
}

describe("local store", () => {
  test("identity, base and rejections come back, from entries and from a rollup (T3)", async () => {
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    store.receive({ epoch: "e", cursor: lsn(4), changeset: whole(1, 2) })
    for (const uid of ["a", "b"]) store.reject(rejection(uid))
    store.dismiss("a")
    store.dismiss("a")
    expect(store.settledTo).toBe(0)
    store.settle(lsn(2))
    const { secret } = store
    const isAsBefore = (now: LocalStore) => {
      expect([now.secret, now.epoch, now.cursor, now.settledTo]).toEqual([secret, "e", 4, 2])
      expect([...now.storage.snapshot()]).toEqual([page(1), page(2)])
      expect(now.rejections).toEqual([rejection("b")])
    }
    await store.streams.close()
    const second = await reopened(disk)
    isAsBefore(second)
    await second.rollup()
    await second.rollup()
    await second.streams.close()
    isAsBefore(await reopened(disk))
  })

  test("a whole base is at rest with what it decided, or neither is; closing keeps it too (I7, I12)", async () => {
    const base = () => {
      const table = new PageTable()
      table.load([page(1), page(2)])
      return { table, pageCount: 2, checksum: table.checksum }
    }
    const receive = (store: LocalStore) => {
      store.receiveBase({ epoch: "e", cursor: lsn(4), base: base() })
      store.settle(lsn(2))
    }
    for (const end of ["flush", "close", "crash", "failure"] as const) {
      const disk = new MemoryDisk()
      const store = await reopened(disk)
      await store.flush()
      receive(store)
      expect([store.epoch, store.cursor, store.storage.basePageCount]).toEqual(["e", 4, 2])
      if (end === "failure") disk.failNext(new Error("EIO"))
      const kept = end === "close" || end === "crash" ? Promise.resolve() : store.flush()
      if (end === "failure") await expect(kept).rejects.toMatchObject({ code: "LOG_FAILED" })
      else await kept
      if (end === "close") await store.close()
      else disk.crash()
      const again = await reopened(disk)
      const isKept = end === "flush" || end === "close"
      expect([end, again.cursor, again.settledTo, again.storage.basePageCount]).toEqual(
        isKept ? [end, 4, 2, 2] : [end, 0, 0, 0],
      )
      await again.close()
    }
  })

  test("closing reports that a whole base could not be kept", async () => {
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    await store.flush()
    const table = new PageTable()
    store.receiveBase({ epoch: "e", cursor: lsn(4), base: { table, pageCount: 0, checksum: 0n } })
    disk.failNext(new Error("EIO"))
    await expect(store.close()).rejects.toMatchObject({ code: "LOG_FAILED" })
  })

  test("a whole base that does not add up changes nothing (I5)", async () => {
    const store = await reopened(new MemoryDisk())
    store.receive({ epoch: "e", cursor: lsn(4), changeset: whole(1) })
    const table = new PageTable()
    table.load([page(2)])
    for (const wrong of [{ pageCount: 2 }, { checksum: 5n }]) {
      const base = { table, pageCount: 1, checksum: table.checksum, ...wrong }
      expect(() => store.receiveBase({ epoch: "f", cursor: lsn(5), base })).toThrow(
        expect.objectContaining({ code: "CHECKSUM_MISMATCH" }),
      )
    }
    expect([store.epoch, store.cursor, store.storage.page(1)]).toEqual(["e", 4, page(1)])
  })

  test("a new identity has nothing decided; its secret is derived from a first mutation or random", async () => {
    const store = await reopened(new MemoryDisk())
    const first = { uid: "u", name: "n", args: null, at: 1 }
    store.receive({ epoch: "e", cursor: lsn(1), changeset: whole(1) })
    store.settle(lsn(2))
    const { secret } = store
    store.renewIdentity(host, first)
    expect(store.secret).toEqual(deriveForkSecret(secret, "u"))
    expect(store.settledTo).toBe(0)
    store.renewIdentity(host, undefined)
    expect(store.secret).not.toEqual(deriveForkSecret(secret, "u"))
  })

  test("the base is written anew when its deltas have grown past it, once at a time, also while the log is closed (I17)", async () => {
    const disk = new MemoryDisk()
    const store = new LocalStore(await disk.open("d"), host, 100)
    await store.flush()
    for (const fill of [1, 2]) store.receive({ epoch: "e", cursor: lsn(fill), changeset: whole(fill) })
    store.reject({ ...rejection("a"), args: "x".repeat(300) })
    await store.flush()
    expect([store.rollupIfDue(), store.rollupIfDue()]).toEqual([expect.any(Promise), undefined])
    await store.close()
    const again = await disk.open("d")
    expect(again.checkpoint?.pages).toEqual([page(2)])
    expect(new LocalStore(again, host).rejections.length).toBe(1)
  })

  test("a dropped base is gone after a restart too, and may be dropped twice", async () => {
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    store.dropBase()
    store.receive({ epoch: "e", cursor: lsn(4), changeset: whole(1) })
    store.dropBase()
    expect([store.epoch, store.cursor, store.storage.basePageCount, store.settledTo]).toEqual(["", 0, 0, 0])
    await store.rollup()
    await store.streams.close()
    expect((await reopened(disk)).cursor).toBe(0)
  })

  test("a base entry that does not parse or does not fit drops the base and nothing else (S11)", () => {
    for (const bad of [Uint8Array.of(200), new ByteWriter().text("e").uint(1).finish()]) {
      const { records } = kept("base", bad)
      const secrets = entriesIn("identity", [new Uint8Array(32).fill(7)])
      const store = new LocalStore({ ...openMemoryLog(), records: [...secrets, ...records] }, host)
      expect([store.epoch, store.cursor, store.storage.basePageCount]).toEqual(["", LSN_ZERO, 0])
      expect(store.secret).toEqual(new Uint8Array(32).fill(7))
    }
  })

  test("a checkpoint without its pages, or one that does not parse, is a base to fetch again (S11)", async () => {
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    store.receive({ epoch: "e", cursor: lsn(4), changeset: whole(1) })
    await store.rollup()
    await store.streams.close()
    const { checkpoint } = await disk.open("d")
    const meta = checkpoint?.meta ?? new Uint8Array(0)
    const openedAs = (bytes: Uint8Array, pages: Uint8Array[]) =>
      new LocalStore({ ...openMemoryLog(), checkpoint: { meta: bytes, pages } }, host)
    expect(openedAs(meta, [page(1)]).cursor).toBe(4)
    for (const bad of [meta.slice(0, -1), Uint8Array.of(...meta, 0), meta.slice(0, 1), new Uint8Array(0)])
      expect(openedAs(bad, [page(1)]).cursor).toBe(0)
    expect(openedAs(meta, []).cursor).toBe(0)
  })

  test("a checkpoint of another format is refused as newer (T20)", () => {
    const opened = { ...openMemoryLog(), checkpoint: { meta: Uint8Array.of(2), pages: [] } }
    expect(() => new LocalStore(opened, host)).toThrow(expect.objectContaining({ code: "LOG_FORMAT_NEWER" }))
  })

  test("a rejection or an identity that is none is LOG_CORRUPT (S9)", () => {
    const wrong = [null, 1, {}, { type: "rejected" }, { type: "rejected", rejection: { uid: "a" } }]
    for (const value of [...wrong, { type: "rejected", uid: "a" }, { type: "forgotten", uid: "a" }, { uid: "a" }])
      expect(() => new LocalStore(kept("rejections", plainBytes(value)), host)).toThrow(corrupt)
    expect(() => new LocalStore(kept("identity", new Uint8Array(31)), host).secret).toThrow(corrupt)
  })

  test("a rejection of a claimed log is taken over once, also after it was dismissed here (T26)", async () => {
    const store = await reopened(new MemoryDisk())
    store.adopt(rejection("a"))
    store.adopt(rejection("a"))
    store.adopt(rejection("b"))
    expect(store.rejections.map(({ uid }) => uid)).toEqual(["a", "b"])
    store.dismiss("a")
    store.adopt(rejection("a"))
    store.adopt(rejection("c"))
    expect(store.rejections.map(({ uid }) => uid)).toEqual(["b", "c"])
  })

  test("outcomes come back with their base, from entries of older code too; the oldest go first", async () => {
    const old = new LocalStore(kept("settled", plainBytes({ clientId: "a", lsn: 7 })), host)
    expect(old.outcomeOf("u")).toBeUndefined()
    for (const decided of ["u", [["u"]], [[1, null]], [["u", 2]], { u: null }])
      expect(() => new LocalStore(kept("settled", plainBytes({ clientId: "a", lsn: 7, decided })), host)).toThrow(
        corrupt,
      )
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    store.receive({ epoch: "e", cursor: lsn(9), changeset: whole(1) })
    const applied = (uid: string) => ({ uid, outcome: { type: "applied" as const, lsn: lsn(9) } })
    store.settle(lsn(1), [applied("first"), { uid: "no", outcome: { type: "rejected", code: "NO", data: 1 } }])
    store.settle(
      lsn(OUTCOMES_KEPT),
      Array.from({ length: OUTCOMES_KEPT - 1 }, (_, i) => applied(`u${i}`)),
    )
    const isAsBefore = (now: LocalStore) => {
      expect(now.outcomeOf("first")).toBeUndefined()
      expect(now.outcomeOf("no")).toEqual({ type: "rejected", code: "NO", data: null })
      expect(now.outcomeOf("u0")).toEqual({ type: "applied", lsn: 9 })
    }
    isAsBefore(store)
    await store.rollup()
    await store.streams.close()
    isAsBefore(await reopened(disk))
  })

  test("a watcher of rejections gets each that comes and goes, until it stops", async () => {
    const store = await reopened(new MemoryDisk())
    const seen: string[] = []
    const stop = store.watchRejections((change) => seen.push(change.type))
    store.reject(rejection("a"))
    store.dismiss("a")
    store.dismiss("a")
    stop()
    store.reject(rejection("b"))
    expect(seen).toEqual(["rejected", "dismissed"])
  })

  test("pending mutations in a log are counted from its records alone", async () => {
    expect(pendingAtRest(openMemoryLog())).toBe(0)
    const disk = new MemoryDisk()
    const store = await reopened(disk)
    const timeline = store.streams.journal(timelineStream(store.clientId), mutationCodec)
    for (let i = 1; i <= 4; i++) {
      const uid = `00000000-0000-7000-8000-00000000000${i}`
      timeline.append({ uid, name: "n", args: null, at: 1 })
    }
    await store.streams.close()
    const opened = await disk.open("d")
    expect(pendingAtRest(opened)).toBe(4)
    const decided = kept("settled", plainBytes({ clientId: store.clientId, lsn: 3 }))
    expect(pendingAtRest({ ...opened, records: [...opened.records, ...decided.records] })).toBe(1)
  })

  test("a log is awaited while something in it is pending or was rejected (T26)", () => {
    expect(isAwaited(openMemoryLog())).toBe(false)
    expect(isAwaited(kept("identity", new Uint8Array(32)))).toBe(false)
    expect(isAwaited(kept(timelineStream("a"), new Uint8Array(1)))).toBe(true)
    expect(isAwaited(kept("rejections", plainBytes({ type: "dismissed", uid: "a" })))).toBe(true)
  })
})
