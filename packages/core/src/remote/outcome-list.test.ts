import { beforeAll, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { LSN_ZERO, lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { OutcomeList } from "./outcome-list.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

async function open(disk: MemoryDisk) {
  const store = new RemoteStore(await disk.open("d"), new SimHost(new SimClock(), new SeededRandom(1)))
  return { store, list: new OutcomeList(store) }
}

const outcome = (clientId: string, at: number) => ({
  clientId,
  lsn: lsn(at),
  uid: `${clientId}${at}`,
  code: "no",
  data: at,
})
const uids = (list: OutcomeList, clientId: string, seen = 0) => list.after(clientId, lsn(seen)).map(({ uid }) => uid)

test("rejections are kept in order until their author has them, also after a restart (I10)", async () => {
  const disk = new MemoryDisk()
  const { store, list } = await open(disk)
  for (const one of [outcome("a", 1), outcome("b", 1), outcome("a", 3)]) list.append(one)
  await store.streams.close()
  for (const one of [list, (await open(disk)).list]) {
    expect([uids(one, "a"), uids(one, "a", 1), uids(one, "a", 3)]).toEqual([["a1", "a3"], ["a3"], []])
    expect([uids(one, "b"), uids(one, "c")]).toEqual([["b1"], []])
    expect(one.after("a", lsn(1))).toEqual([{ lsn: 3, uid: "a3", code: "no", data: 3 }])
  }
})

test("seen rejections are dropped at once; at rest from the oldest to the first unseen", async () => {
  const { store, list } = await open(new MemoryDisk())
  for (const one of [outcome("a", 1), outcome("b", 1), outcome("a", 2), outcome("b", 2)]) list.append(one)
  const seen = new Map([["a", lsn(1)]])
  const forget = () => list.forget((clientId) => seen.get(clientId) ?? LSN_ZERO)
  const atRest = () => Array.from(store.outcomes.iter(), ({ entry }) => entry.uid)
  forget()
  expect([uids(list, "a"), uids(list, "b"), atRest()]).toEqual([["a2"], ["b1", "b2"], ["b1", "a2", "b2"]])
  seen.set("a", lsn(2))
  forget()
  expect([uids(list, "a"), atRest()]).toEqual([[], ["b1", "a2", "b2"]])
  seen.set("b", lsn(1))
  forget()
  expect([uids(list, "b"), atRest()]).toEqual([["b2"], ["b2"]])
  seen.set("b", lsn(2))
  forget()
  expect([uids(list, "b"), atRest()]).toEqual([[], []])
  list.append(outcome("a", 3))
  expect(uids(list, "a")).toEqual(["a3"])
})
