import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { ClientList } from "./client-list.ts"
import { DeliveryMarks } from "./delivery-marks.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

async function open(disk: MemoryDisk, applied = 0) {
  const store = new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
  const clients = new ClientList(store)
  if (applied > 0) clients.journal("a").applied = lsn(applied)
  return { store, marks: new DeliveryMarks(store, clients) }
}

test("applied mutations count as delivered only in a document without marks (S19)", async () => {
  const disk = new MemoryDisk()
  const first = await open(disk, 5)
  expect([first.marks.delivered("a"), first.marks.delivered("b")]).toEqual([5, 0])
  await first.store.streams.close()
  expect((await open(disk, 7)).marks.delivered("a")).toBe(5)
})

test("only a rejected mutation is skipped, once (S19)", async () => {
  const { marks } = await open(new MemoryDisk())
  marks.noteRejected("a", lsn(2))
  expect([marks.skip("a", lsn(1)), marks.skip("b", lsn(2)), marks.delivered("a")]).toEqual([false, false, 0])
  expect([marks.skip("a", lsn(2)), marks.delivered("a")]).toEqual([true, 2])
  expect(marks.skip("a", lsn(2))).toBe(false)
})

test("marks are read after a restart; a skipped rejection is not (S19)", async () => {
  const disk = new MemoryDisk()
  const { store, marks } = await open(disk)
  for (const at of [2, 3, 4]) marks.noteRejected("a", lsn(at))
  marks.noteDelivered("a", lsn(3))
  await store.streams.close()
  const again = (await open(disk)).marks
  expect(again.delivered("a")).toBe(3)
  expect([2, 3, 4].map((at) => again.skip("a", lsn(at)))).toEqual([false, false, true])
})

test("a checkpoint keeps one mark per client, and one per rejection that is not skipped", async () => {
  const disk = new MemoryDisk()
  const { store, marks } = await open(disk)
  for (const at of [1, 2, 3]) marks.noteDelivered("a", lsn(at))
  marks.noteDelivered("b", lsn(9))
  for (const at of [4, 5]) marks.noteRejected("a", lsn(at))
  marks.skip("a", lsn(4))
  marks.forget()
  expect(Array.from(store.effects.iter(), ({ entry }) => entry)).toEqual([
    { type: "delivered", clientId: "server", lsn: 0 },
    { type: "delivered", clientId: "a", lsn: 4 },
    { type: "delivered", clientId: "b", lsn: 9 },
    { type: "rejected", clientId: "a", lsn: 5 },
  ])
  await store.streams.close()
  const again = (await open(disk)).marks
  expect([again.delivered("a"), again.delivered("b"), again.skip("a", lsn(5))]).toEqual([4, 9, true])
})
