import { beforeAll, describe, expect, test } from "vitest"
import { loadChecksum } from "../base/checksum.ts"
import { lsn } from "../base/lsn.ts"
import { MemoryDisk } from "../journal/memory-log.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { mutationCodec } from "../timeline/mutation.ts"
import { ClientList } from "./client-list.ts"
import { EFFECT_CLOSE_MS_MAX, type OnApplied, OnAppliedQueue } from "./on-applied.ts"
import { RemoteStore } from "./remote-store.ts"

beforeAll(loadChecksum)

const uidOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

/** A document to which client a sent three mutations, none of them applied, and an app that is told of effects. */
async function setUp(onApplied: OnApplied = () => {}) {
  const clock = new SimClock()
  const host = new SimHost(clock, new SeededRandom(1))
  const store = new RemoteStore(await new MemoryDisk().open("d"), host)
  const clients = new ClientList(store)
  const journal = clients.journal("a")
  const entries = [1, 2, 3].map((n) => mutationCodec.encode({ uid: uidOf(n), name: "Add", args: n, at: n }))
  const told: unknown[] = []
  let wakes = 0
  let breaths = 0
  host.yieldToLoop = async () => void breaths++
  const tell: OnApplied = (effect) => {
    told.push(effect.args)
    return onApplied(effect)
  }
  const effects = new OnAppliedQueue({ store, clients, host, onApplied: tell, wake: () => void wakes++ })
  journal.write({ from: lsn(0), previousHash: 0n, entries })
  store.arrivals.append({ clientId: "a", from: lsn(0), to: lsn(3), user: "ann", atMs: 1, forbidden: [] })
  const settle = async (...positions: number[]) => {
    effects.settle(
      positions.map((at) => ({ clientId: "a", lsn: lsn(at), uid: uidOf(at), outcome: { type: "applied" as const } })),
    )
    for (let i = 0; i < 3; i++) await turn()
  }
  return { clock, host, effects, settle, told, wakes: () => wakes, breaths: () => breaths }
}

describe("S19 effects", () => {
  test("are told up to what is durable and no further, each marked with a wake for the flush", async () => {
    const { effects, settle, told, wakes } = await setUp()
    await settle(1)
    expect([told, effects.marks.delivered("a"), effects.done(), wakes()]).toEqual([[1], 1, 0, 1])
    await settle(2, 3)
    expect([told, effects.marks.delivered("a"), effects.done(), wakes()]).toEqual([[1, 2, 3], 3, 1, 3])
  })

  test("T39 let others have their turn after 10 ms of them, and not before", async () => {
    const slow = await setUp()
    slow.host.lookMs = 10
    await slow.settle(1, 2, 3)
    expect([slow.told, slow.breaths()]).toEqual([[1, 2, 3], 3])
    const quick = await setUp()
    quick.host.lookMs = 4
    await quick.settle(1, 2, 3)
    expect([quick.told, quick.breaths()]).toEqual([[1, 2, 3], 1])
  })

  test("that fail while the document closes leave no timer, and are not told again", async () => {
    let fail = () => {}
    const { clock, effects, settle, told } = await setUp(
      () =>
        new Promise((_, reject) => {
          fail = () => reject(new Error("mail server"))
        }),
    )
    await settle(1, 2)
    const stopped = effects.stop()
    fail()
    await stopped
    await turn()
    expect([told, clock.nextAtMs, effects.marks.delivered("a")]).toEqual([[1], Number.POSITIVE_INFINITY, 0])
  })

  test("that end after the document has closed without them are not marked: they come again", async () => {
    let end = () => {}
    const { clock, effects, settle, told } = await setUp(
      () =>
        new Promise((resolve) => {
          end = resolve
        }),
    )
    await settle(1)
    const stopped = effects.stop()
    expect(clock.nextAtMs).toBe(EFFECT_CLOSE_MS_MAX)
    clock.runNext()
    await stopped
    end()
    await turn()
    expect([told, effects.marks.delivered("a")]).toEqual([[1], 0])
  })
})
