import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { HASHES_KEPT } from "../timeline/timeline.ts"
import { ClientList } from "./client-list.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new SeededRandom(1))

async function listOn(disk: MemoryDisk): Promise<{ store: RemoteStore; clients: ClientList }> {
  const store = new RemoteStore(await disk.open("d"), host)
  return { store, clients: new ClientList(store) }
}

function mutation(uid: string) {
  return { uid, name: "n", args: null, at: 1 }
}

const firstBatch = {
  from: lsn(0),
  previousHash: 0n,
  entries: [mutationCodec.encode(mutation("00000000-0000-4000-8000-000000000000"))],
}

describe("client list", () => {
  test("an anonymous id is bound to its first user only, also after a restart (S4, T26)", async () => {
    const disk = new MemoryDisk()
    const { store, clients } = await listOn(disk)
    clients.journal("a").write(firstBatch)
    for (const user of [null, "ann", "ann", null]) {
      clients.checkOwner("a", "ann")
      clients.bind("a", user)
    }
    expect(Array.from(store.bindings.iter(), ({ entry }) => entry.user)).toEqual([null, "ann"])
    await store.streams.close()
    const again = (await listOn(disk)).clients
    again.checkOwner("a", "ann")
    for (const other of ["bob", null])
      expect(() => again.checkOwner("a", other)).toThrow(expect.objectContaining({ code: "CLIENT_PROOF" }))
    again.bind("a", "bob")
    again.checkOwner("a", "bob")
  })

  test("a forgotten client's id is any user's, also before the owners are written anew", async () => {
    const disk = new MemoryDisk()
    const { store, clients } = await listOn(disk)
    clients.journal("a").write(firstBatch)
    clients.bind("a", "ann")
    await store.streams.flush()
    clients.forget("a")
    await store.streams.close()
    const again = await listOn(disk)
    expect(again.store.bindings.lsn()).toBe(1)
    expect([again.clients.isOwner("a", "bob"), [...again.clients.ids()]]).toEqual([true, []])
  })

  test("a client that never wrote has no journal; a kept one is found after a restart", async () => {
    const disk = new MemoryDisk()
    const { store, clients } = await listOn(disk)
    expect(clients.find("a")).toBe(undefined)
    clients.confirm("a", lsn(1))
    store.streams
      .journal("client/a", { encode: () => new Uint8Array([1]), decode: () => mutation("u") })
      .append(mutation("u"))
    await store.streams.close()
    expect((await listOn(disk)).clients.find("a")?.lsn()).toBe(1)
  })

  test("bind returns whether the owner changed, which ends other connections (S4)", async () => {
    const { clients } = await listOn(new MemoryDisk())
    const bound = [null, null, "ann", "ann", null, "bo"].map((user) => clients.bind("a", user))
    expect(bound).toEqual([false, false, true, false, false, true])
    expect([clients.isOwner("a", "bo"), clients.isOwner("a", null), clients.isOwner("new", "bo")]).toEqual([
      true,
      false,
      true,
    ])
  })

  test("what a client has seen only grows, also when its messages come late", async () => {
    const { clients } = await listOn(new MemoryDisk())
    expect(clients.seen("a")).toBe(0)
    for (const position of [3, 1, 3, 2]) clients.noteSeen("a", lsn(position))
    expect([clients.seen("a"), clients.seen("b")]).toEqual([3, 0])
  })

  test("a confirmed position bounds the hashes kept of this client only (T1)", async () => {
    const { clients } = await listOn(new MemoryDisk())
    const count = HASHES_KEPT + 20
    for (const id of ["a", "b"]) {
      const journal = clients.journal(id)
      const entries = Array.from({ length: count }, () => new Uint8Array(1))
      journal.write({ from: lsn(0), previousHash: 0n, entries })
      journal.applied = lsn(count)
    }
    clients.confirm("a", lsn(count))
    for (const id of ["a", "b", "never"]) clients.release(id, lsn(count))
    expect(["a", "b"].map((id) => clients.journal(id).hashAt(lsn(5)) === undefined)).toEqual([true, false])
    expect([...clients.ids()]).toEqual(["a", "b"])
    expect(clients.applied()).toEqual([
      ["a", count],
      ["b", count],
    ])
  })
})
