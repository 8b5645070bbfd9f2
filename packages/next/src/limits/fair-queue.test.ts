import { expect, test } from "vitest"
import { FairQueue } from "./fair-queue.ts"

test("S7 who asks a hundred times is not before who asks once", async () => {
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

test("S7 a key that waits on has its next turn after those that came meanwhile", async () => {
  const turns = new FairQueue()
  const order: string[] = []
  const ask = (key: string) => turns.next(key).then(() => order.push(key))
  await Promise.all([ask("a"), ask("a"), ask("b"), ask("c"), ask("b")])
  expect(order).toEqual(["a", "b", "c", "a", "b"])
})

test("H8 between two turns the process looks at its sockets, also for work that comes when there was none", async () => {
  const turns = new FairQueue()
  for (let round = 0; round < 2; round++) {
    const seen: string[] = []
    const all = Promise.all([1, 2].map((n) => turns.next("a").then(() => seen.push(`turn ${n}`))))
    setImmediate(() => seen.push("sockets"))
    await all
    expect(seen).toEqual(["turn 1", "sockets", "turn 2"])
  }
})
