import { beforeAll, describe, expect, test } from "vitest"
import { ByteWriter } from "../base/bytes.ts"
import { chainHash, loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { writePlain } from "../base/plain.ts"
import type { LogRecord, OpenedLog } from "../journal/log.ts"
import { MemoryDisk, openMemoryLog } from "../journal/memory-log.ts"
import { PAGE_BYTES } from "../sqlite/page.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { ClientList } from "./client-list.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new SeededRandom(1))
const corrupt = expect.objectContaining({ code: "LOG_CORRUPT" })
const page = (fill: number) => new Uint8Array(PAGE_BYTES).fill(fill)

function commit(store: RemoteStore, pageNo: number, fill: number): void {
  store.storage.write(pageNo, page(fill))
  const changeset = store.storage.commit()
  if (changeset !== null) store.append(changeset)
}

/** A log whose only entry is `value` in `stream`, with correct checksums. */
function keptIn(stream: string, value: unknown): OpenedLog {
  const writer = new ByteWriter()
  writePlain(writer, value)
  const payload = writer.finish()
  const record: LogRecord = {
    stream,
    lsn: lsn(1),
    type: "entry",
    payload,
    previousHash: 0n,
    hash: chainHash(0n, payload),
  }
  return { ...openMemoryLog(), records: [record] }
}

function keptAs(meta: Uint8Array): OpenedLog {
  return { ...openMemoryLog(), checkpoint: { meta, pages: [page(1)] } }
}

describe("remote store", () => {
  test("checkpoint and tail give the pages, the epoch and what changed since (I13)", async () => {
    const disk = new MemoryDisk()
    const store = new RemoteStore(await disk.open("d"), host)
    commit(store, 1, 1)
    commit(store, 2, 2)
    await store.checkpoint()
    commit(store, 1, 3)
    await store.streams.close()
    const again = new RemoteStore(await disk.open("d"), host)
    expect([again.epoch, again.lsn(), again.storage.checksum]).toEqual([store.epoch, 3, store.storage.checksum])
    const since = store.history.since(lsn(1))
    expect(since).not.toBeNull()
    expect(again.history.since(lsn(1))?.pageNos).toEqual(since?.pageNos)
  })

  test("a checkpoint that is cut, too long or of other pages stops the document (I11)", async () => {
    const disk = new MemoryDisk()
    const store = new RemoteStore(await disk.open("d"), host)
    commit(store, 1, 1)
    await store.checkpoint()
    await store.streams.close()
    const { checkpoint } = await disk.open("d")
    const meta = checkpoint?.meta ?? new Uint8Array(0)
    expect(new RemoteStore(keptAs(meta), host).storage.basePageCount).toBe(1)
    for (const bad of [meta.slice(0, -1), meta.slice(0, 1), Uint8Array.of(...meta, 0)])
      expect(() => new RemoteStore(keptAs(bad), host)).toThrow(corrupt)
    const others = { ...keptAs(meta), checkpoint: { meta, pages: [page(2)] } }
    expect(() => new RemoteStore(others, host)).toThrow(corrupt)
    expect(new RemoteStore(keptAs(new Uint8Array(0)), host).storage.basePageCount).toBe(0)
  })

  test("a checkpoint of another format is LOG_FORMAT_NEWER (T20)", () => {
    const newer = expect.objectContaining({ code: "LOG_FORMAT_NEWER" })
    expect(() => new RemoteStore(keptAs(Uint8Array.of(2, 0)), host)).toThrow(newer)
  })

  test("a change that does not fit its checkpoint stops the document (I11)", async () => {
    const disk = new MemoryDisk()
    const store = new RemoteStore(await disk.open("d"), host)
    commit(store, 1, 1)
    commit(store, 1, 2)
    await store.streams.close()
    const { records } = await disk.open("d")
    const first = keptAs(new Uint8Array(0))
    expect(() => new RemoteStore({ ...first, records: relinked(records) }, host)).toThrow(corrupt)
  })

  test("an entry that its stream cannot hold is LOG_CORRUPT when it is read (S9)", () => {
    for (const value of [null, "x", {}, { clientId: 1, user: null }]) {
      expect(() => new ClientList(new RemoteStore(keptIn("bindings", value), host))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("epoch", value), host).epoch).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("arrivals", value), host).arrivals.entry(lsn(1))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("outcomes", value), host).outcomes.entry(lsn(1))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("life", value), host).life.entry(lsn(1))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("effects", value), host).effects.entry(lsn(1))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("attempts", [value]), host).attempts.entry(lsn(1))).toThrow(corrupt)
      expect(() => new RemoteStore(keptIn("attempts", value), host).attempts.entry(lsn(1))).toThrow(corrupt)
    }
  })
})

/** The storage journal without its first change. */
function relinked(records: readonly LogRecord[]): LogRecord[] {
  const second = records.filter(({ stream }) => stream === "storage")[1]
  return [{ ...second, lsn: lsn(1), previousHash: 0n, hash: chainHash(0n, second.payload) }]
}
