import { describe, expect, test } from "vitest"
import { SeededRandom } from "../testing/seeded-random.ts"
import { SimClock, SimHost } from "../testing/sim-host.ts"
import { turn } from "../testing/sim-node.ts"
import { backoffMs, deferred, Semaphore, Sequence, Sleep, withTimeout } from "./wait.ts"

const hostOn = (clock: SimClock) => new SimHost(clock, new SeededRandom(1))

test("a backoff doubles from the smallest pause to the largest", () => {
  const limits = { minMs: 250, maxMs: 60_000 }
  expect([-1, 0, 1, 2, 7, 8, 10_000].map((failures) => backoffMs(failures, limits))).toEqual([
    250, 250, 500, 1000, 32_000, 60_000, 60_000,
  ])
})

test("a deferred promise settles as it is resolved or rejected", async () => {
  const [kept, broken] = [deferred<number>(), deferred<number>()]
  kept.resolve(1)
  broken.reject(new Error("no"))
  expect(await kept.promise).toBe(1)
  await expect(broken.promise).rejects.toThrow("no")
})

describe("a sleep", () => {
  test("ends after its time, or when it is woken, and leaves no timer", async () => {
    const clock = new SimClock()
    const sleep = new Sleep(hostOn(clock))
    const ended: string[] = []
    sleep.wake()
    void sleep.for(100).then(() => ended.push("in time"))
    clock.runNext()
    await turn()
    void sleep.for(100).then(() => ended.push("woken"))
    sleep.wake()
    await turn()
    void sleep.for(null).then(() => ended.push("for ever"))
    await turn()
    expect([ended, clock.nextAtMs]).toEqual([["in time", "woken"], Number.POSITIVE_INFINITY])
    sleep.wake()
    await turn()
    expect(ended).toEqual(["in time", "woken", "for ever"])
  })
})

describe("a time limit", () => {
  test("gives what came in time, an error included, and leaves no timer", async () => {
    const clock = new SimClock()
    const late = () => new Error("late")
    expect(await withTimeout(hostOn(clock), 100, Promise.resolve(1), late)).toBe(1)
    await expect(withTimeout(hostOn(clock), 100, Promise.reject(new Error("no")), late)).rejects.toThrow("no")
    expect(clock.nextAtMs).toBe(Number.POSITIVE_INFINITY)
  })

  test("rejects when it is over", async () => {
    const clock = new SimClock()
    const waiting = withTimeout(hostOn(clock), 100, new Promise(() => {}), () => new Error("late"))
    expect(clock.nextAtMs).toBe(100)
    clock.runNext()
    await expect(waiting).rejects.toThrow("late")
  })
})

test("a sequence runs one after the other, also after one that failed, and is busy until the last has ended", async () => {
  const sequence = new Sequence()
  const steps: string[] = []
  const first = sequence.run(async () => {
    steps.push("first begins")
    await turn()
    steps.push("first ends")
    throw new Error("no")
  })
  const second = sequence.run(async () => {
    steps.push("second")
    return 2
  })
  expect(sequence.isBusy).toBe(true)
  await expect(first).rejects.toThrow("no")
  expect(await second).toBe(2)
  await turn()
  expect([steps, sequence.isBusy]).toEqual([["first begins", "first ends", "second"], false])
})

test("a semaphore lets so many run at once, in the order of their calls, also after one that failed", async () => {
  const semaphore = new Semaphore(2)
  const running: (() => void)[] = []
  const work = (fails: boolean) => () =>
    new Promise<void>((resolve, reject) => running.push(fails ? () => reject(new Error("no")) : resolve))
  const ends = [true, false, false].map((fails) => semaphore.run(work(fails)))
  await turn()
  expect(running).toHaveLength(2)
  running[0]()
  await expect(ends[0]).rejects.toThrow("no")
  await turn()
  expect(running).toHaveLength(3)
  running[1]()
  running[2]()
  await Promise.all(ends.slice(1))
  expect(await semaphore.run(async () => "free")).toBe("free")
})
