import { expect, test } from "vitest"
import { PageWatches } from "./page-watches.ts"

test("a watch is called once, when a page of it has changed, and not after its undo", () => {
  const watches = new PageWatches()
  const called: string[] = []
  const add = (name: string, ...pages: number[]) => watches.add(new Set(pages), () => called.push(name))
  watches.notify(new Set([2]))
  add("a", 2, 3)
  const stop = add("b", 3)
  add("c", 4)
  watches.notify(new Set([5]))
  expect([called, watches.size]).toEqual([[], 3])
  stop()
  stop()
  watches.notify(new Set([2, 3]))
  watches.notify(new Set([2, 3]))
  expect([called, watches.size]).toEqual([["a"], 1])
  watches.end()
  expect([called, watches.size]).toEqual([["a", "c"], 0])
})
