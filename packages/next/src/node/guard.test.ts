import { expect, test } from "vitest"
import { vmGuard } from "./guard.ts"

test("work that never ends is stopped, and what comes after it runs (T12)", () => {
  const guard = vmGuard(50)
  let turns = 0
  const isDone = guard(() => {
    try {
      for (;;) turns++
    } catch {
      turns = -1 // nothing can catch it
    }
  })
  expect(isDone).toBe(false)
  expect(turns).toBeGreaterThan(0)
  expect(guard(() => {})).toBe(true)
})

test("an error passes through as it is", () => {
  const thrown = { code: "mine" }
  let caught: unknown
  try {
    vmGuard()(() => {
      throw thrown
    })
  } catch (error) {
    caught = error
  }
  expect(caught).toBe(thrown)
})

test("guarded work may guard other work", () => {
  const seen: string[] = []
  vmGuard()(() => {
    vmGuard()(() => seen.push("inner"))
    seen.push("outer")
  })
  expect(seen).toEqual(["inner", "outer"])
})
