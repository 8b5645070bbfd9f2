import { expect, test } from "vitest"
import { RateLimiter } from "./rate-limiter.ts"

function buckets(options: { perSecond: number; burst: number; keysMax?: number }) {
  const clock = { nowMs: 0 }
  return { clock, of: new RateLimiter({ keysMax: 100, ...options, nowMs: () => clock.nowMs }) }
}

test("a burst passes at once, what is over it waits exactly until it is paid (S7)", () => {
  const { clock, of } = buckets({ perSecond: 10, burst: 20 })
  expect(of.take("a", 20)).toBe(0)
  expect(of.take("a", 5)).toBe(500)
  expect(of.take("b", 1)).toBe(0)
  clock.nowMs = 500
  expect(of.take("a", 0)).toBe(0)
  clock.nowMs = 1_000_000
  expect(of.take("a", 21)).toBe(100)
})

test("tryTake that fails charges nothing", () => {
  const { clock, of } = buckets({ perSecond: 1, burst: 2 })
  expect([of.tryTake("a"), of.tryTake("a"), of.tryTake("a"), of.tryTake("a")]).toEqual([true, true, false, false])
  clock.nowMs = 1000
  expect([of.tryTake("a"), of.tryTake("a")]).toEqual([true, false])
})

test("the buckets themselves are bounded: the longest unused is forgotten (I17)", () => {
  const { of } = buckets({ perSecond: 1, burst: 1, keysMax: 3 })
  for (const key of ["a", "b", "c", "a", "d"]) of.take(key, 1)
  expect(of.size).toBe(3)
  expect(of.tryTake("a")).toBe(false)
  expect(of.tryTake("b")).toBe(true)
})
