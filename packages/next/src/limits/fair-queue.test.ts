import { expect, test } from "vitest"
import { FairQueue } from "./fair-queue.ts"

test("a client that asks a hundred times is not served before one that asks once (S7)", async () => {
  const turns = new FairQueue()
  const order: string[] = []
  const asked = [...Array.from({ length: 100 }, () => "storm"), "one", "two"].map(async (key) => {
    await turns.next(key)
    order.push(key)
  })
  await Promise.all(asked)
  expect(order.slice(0, 4)).toEqual(["storm", "one", "two", "storm"])
  expect(order).toHaveLength(102)
})

test("a key that waits on has its next turn after those that came meanwhile (S7)", async () => {
  const turns = new FairQueue()
  const order: string[] = []
  const ask = (key: string) => turns.next(key).then(() => order.push(key))
  await Promise.all([ask("a"), ask("a"), ask("b"), ask("c"), ask("b")])
  expect(order).toEqual(["a", "b", "c", "a", "b"])
})

test("the process polls its sockets between two turns, also after an idle queue (H8)", async () => {
  const turns = new FairQueue()
  for (let round = 0; round < 2; round++) {
    const seen: string[] = []
    const all = Promise.all([1, 2].map((n) => turns.next("a").then(() => seen.push(`turn ${n}`))))
    setImmediate(() => seen.push("sockets"))
    await all
    expect(seen).toEqual(["turn 1", "sockets", "turn 2"])
  }
})
