import { expect, test } from "vitest"
import { judge, type Operation } from "./check.ts"

const append = (
  process: string,
  value: string,
  invokedAt: number,
  okAt: number | null = invokedAt + 1,
  isRefused = false,
): Operation => ({ type: "append", process, value, invokedAt, okAt, isRefused })
const read = (process: string, at: number, ...values: string[]): Operation => ({ type: "read", process, values, at })

const good = [
  append("a", "1", 0),
  read("b", 1, "1"),
  append("b", "2", 2, 9),
  append("a", "3", 3),
  append("c", "no", 3, null, true),
  append("d", "unanswered", 3, null),
  read("a", 5, "1", "2", "3"),
  read("c", 6, "1"),
]

test("a history that an order explains is right, whichever client is behind", () => {
  expect(judge(good, ["1", "2", "3"])).toBeNull()
  expect(judge(good, ["1", "2", "3", "unanswered"])).toBeNull()
})

test.each([
  ["lost", good, ["1", "2"], /saw 3|lost/],
  ["acknowledged and lost", [append("a", "1", 0)], [], /lost/],
  ["doubled", [append("a", "1", 0)], ["1", "1"], /twice/],
  ["refused and there", good, ["1", "2", "3", "no"], /refused/],
  ["out of nowhere", good, ["1", "2", "3", "x"], /nothing appended/],
  ["seen in another order", [...good, read("c", 7, "2")], ["1", "2", "3"], /saw 2 at place 0/],
  ["a process's own order", [append("a", "1", 0, null), append("a", "2", 1, null)], ["2", "1"], /no order explains/],
  ["real time", [append("a", "1", 0, 1), append("b", "2", 2, 3)], ["2", "1"], /no order explains/],
  [
    "going back",
    [append("a", "1", 0), append("a", "2", 2), read("b", 5, "1", "2"), read("b", 6, "1")],
    ["1", "2"],
    /no order explains/,
  ],
  ["not reading one's writes", [append("a", "1", 0), read("a", 5)], ["1"], /no order explains/],
])("%s is found", (_what, history, final, why) => {
  expect(judge(history, final)).toMatch(why)
})

test("a history of many operations takes time and memory in step with their number", () => {
  const count = 20_000
  const values = Array.from({ length: count }, (_, i) => String(i))
  const history = values.map((value, i) => append(`process ${i % 3}`, value, 2 * i))
  expect(judge(history, values)).toBeNull()
  const [first, second, ...others] = values
  expect(judge(history, [second, first, ...others])).toMatch(/no order explains/)
})
