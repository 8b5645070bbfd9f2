import { expect, test } from "vitest"
import { Turns } from "./turns.ts"

test("S7 who asks a hundred times is not before who asks once", async () => {
  const turns = new Turns()
  const order: string[] = []
  const asked = [...Array.from({ length: 100 }, () => "storm"), "one", "two"].map(async (key) => {
    await turns.next(key)
    order.push(key)
  })
  await Promise.all(asked)
  expect(order.slice(0, 4)).toEqual(["storm", "one", "two", "storm"])
  expect(order).toHaveLength(102)
})
