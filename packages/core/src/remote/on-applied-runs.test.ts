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

/** A document with three mutations of client a, none of them applied, and an app with `onApplied`. */
async function setUp(onApplied: OnApplied = () => {}) {
  const clock = new SimClock()
  const host = new SimHost(clock, new SeededRandom(1))
  const store = new RemoteStore(await new MemoryDisk().open("d"), host)
  const clients = new ClientList(store)
  const journal = clients.journal("a")
  const entries = [1, 2, 3].map((n) => mutationCodec.encode({ uid: uidOf(n), name: "Add", args: n, at: n }))
  const delivered: unknown[] = []
  let wakes = 0
  let yields = 0
  host.yieldToLoop = async () => void yields++
  const record: OnApplied = (effect) => {
    delivered.push(effect.args)
    return onApplied(effect)
  }
  const effects = new OnAppliedQueue({ store, clients, host, onApplied: record, wake: () => void wakes++ })
  journal.write({ from: lsn(0), previousHash: 0n, entries })
  store.arrivals.append({ clientId: "a", from: lsn(0), to: lsn(3), user: "ann", atMs: 1, forbidden: [] })
  const settle = async (...positions: number[]) => {
    effects.settle(
      positions.map((at) => ({
        clientId: "a",
        lsn: lsn(at),
        uid: uidOf(at),
        name: "Add",
        receivedMs: 1,
        outcome: { type: "applied" as const, lsn: lsn(at) },
      })),
    )
    for (let i = 0; i < 3; i++) await turn()
  }
  return { clock, host, effects, settle, delivered, wakes: () => wakes, yields: () => yields }
}

describe("effects (S19)", () => {
  test("are delivered up to the durable position, each marked with a wake for the flush", async () => {
    const { effects, settle, delivered, wakes } = await setUp()
    await settle(1)
    expect([delivered, effects.marks.delivered("a"), effects.done(), wakes()]).toEqual([[1], 1, 0, 1])
    await settle(2, 3)
    expect([delivered, effects.marks.delivered("a"), effects.done(), wakes()]).toEqual([[1, 2, 3], 3, 1, 3])
  })

  test("yield to other work after 10 ms, not before (T39)", async () => {
    const slow = await setUp()
    slow.host.lookMs = 10
    await slow.settle(1, 2, 3)
    expect([slow.delivered, slow.yields()]).toEqual([[1, 2, 3], 3])
    const quick = await setUp()
    quick.host.lookMs = 4
    await quick.settle(1, 2, 3)
    expect([quick.delivered, quick.yields()]).toEqual([[1, 2, 3], 1])
  })

  test("that fail while the document closes leave no timer, and are not repeated", async () => {
    let fail = () => {}
    const { clock, effects, settle, delivered } = await setUp(
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
    expect([delivered, clock.nextAtMs, effects.marks.delivered("a")]).toEqual([[1], Number.POSITIVE_INFINITY, 0])
  })

  test("that end after the document closed are not marked, so they are repeated", async () => {
    let end = () => {}
    const { clock, effects, settle, delivered } = await setUp(
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
    expect([delivered, effects.marks.delivered("a")]).toEqual([[1], 0])
  })
})
