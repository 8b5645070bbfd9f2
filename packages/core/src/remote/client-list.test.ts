import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { Luck } from "../testing/luck.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { ClientList } from "./client-list.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const host = new SimHost(new SimClock(), new Luck(1))

async function listOn(disk: MemoryDisk): Promise<{ store: RemoteStore; clients: ClientList }> {
  const store = new RemoteStore(await disk.open("d"), host)
  return { store, clients: new ClientList(store) }
}

function mutation(uid: string) {
  return { uid, name: "n", args: null, at: 1 }
}

describe("client list", () => {
  test("S4 T26 an id without a user is claimed by one, and then belongs to nobody else, also after a restart", async () => {
    const disk = new MemoryDisk()
    const { store, clients } = await listOn(disk)
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

  test("a reader has no journal; one that was kept is found after a restart", async () => {
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
})
