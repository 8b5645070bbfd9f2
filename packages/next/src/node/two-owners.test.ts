import { loadChecksum } from "@lf/core/internal"
import { describe, expect, test } from "vitest"
import { SeededRandom } from "../../../core/src/testing/seeded-random.ts"
import { LOSSES, type Loss } from "../testing/crash-disk.ts"
import { type Grain, judge, play, type Scene, type Schedule, type Step } from "../testing/owners.ts"

await loadChecksum()

// The lock of this disk does not work: fences, and names that are given once, must be enough.

/** The old owner has a checkpoint and a record behind it. */
const BEFORE: readonly Step[] = ["open", "append", "rollup", "append"]
/** How often one owner is interrupted by the other where not every order can be tried. */
const INTERRUPTIONS_MAX = 3
const SEEDS = 80
/** More calls than any of these scenes has. */
const CALLS_MAX = 200

describe("two owners under a lock that keeps neither out (I14)", () => {
  test("an append, in every order of its calls and those of the new owner", { timeout: 60_000 }, async () => {
    const scene: Scene = { before: BEFORE, owners: [["append"], ["open", "append"]] }
    const [own, others] = await callsOf(scene, "shared")
    expect(own).toBe(4)
    let tried = 0
    for (const places of choices(own + others, own)) {
      const played = await play(scene, merged(places), "shared")
      expect(await judge(played, lossOf(tried++), ["b"]), `at ${[...places]}`).toBe(null)
    }
    expect(tried).toBeGreaterThan(5_000)
  })

  test.each<[string, Scene]>([
    ["a rollup", { before: BEFORE, owners: [["rollup"], ["open", "append"]] }],
    ["a first rollup", { before: ["open", "append"], owners: [["rollup"], ["open", "append"]] }],
    [
      "a rollup and what follows",
      {
        before: BEFORE,
        owners: [
          ["rollup", "append"],
          ["open", "rollup"],
        ],
      },
    ],
    [
      "a close",
      {
        before: BEFORE,
        owners: [
          ["append", "close"],
          ["open", "append"],
        ],
      },
    ],
  ])("%s, interrupted by the new owner at each call, and the new one by it", { timeout: 60_000 }, async (_, scene) => {
    const [own, others] = await callsOf(scene, "shared")
    let tried = 0
    for (const [first, counts] of [[own, others] as const, [others, own] as const].entries()) {
      for (const lengths of runLengths(counts, INTERRUPTIONS_MAX)) {
        const played = await play(scene, runs(first, lengths), "shared")
        expect(await judge(played, lossOf(tried++), ["b"]), `${"ab"[first]} first: ${lengths}`).toBe(null)
      }
    }
    expect(tried).toBeGreaterThan(500)
  })

  test.each<[string, Scene]>([
    [
      "an owner and two that follow",
      {
        before: BEFORE,
        owners: [
          ["append", "rollup", "append"],
          ["open", "append", "rollup", "append"],
          ["open", "rollup", "append"],
        ],
      },
    ],
    [
      "three that open what was closed",
      {
        before: [...BEFORE, "close"],
        owners: [
          ["open", "append", "rollup", "close"],
          ["open", "append", "close"],
          ["open", "rollup", "append"],
        ],
      },
    ],
    [
      "three that make the document",
      {
        before: [],
        owners: [
          ["open", "append", "close"],
          ["open", "append", "rollup"],
          ["open", "append", "append"],
        ],
      },
    ],
  ])("I3 at random, with a machine that stops at any call: %s", { timeout: 60_000 }, async (_, scene) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new SeededRandom(seed)
      const stopAt = random.chance(0.5) ? CALLS_MAX : random.below(CALLS_MAX / 2)
      const played = await play(scene, randomSchedule(random, stopAt), "all")
      expect(await judge(played, random.pick(LOSSES), []), `seed ${seed}`).toBe(null)
    }
  })
})

/** So many calls of the first owner, then so many of the other, and so on; then each goes on to its end. */
function runs(first: number, lengths: readonly number[]): Schedule {
  let at = 0
  let left = lengths[0]
  return (owners) => {
    while (left === 0) left = lengths[++at] ?? Number.POSITIVE_INFINITY
    left--
    return owners.find(({ name }) => name === "ab"[(first + at) % 2]) ?? owners[0]
  }
}

/** The old owner's calls are at these places in the order of all. */
function merged(places: ReadonlySet<number>): Schedule {
  let at = 0
  return (owners) => {
    const wanted = places.has(at++) ? "a" : "b"
    return owners.find(({ name }) => name === wanted) ?? owners[0]
  }
}

function randomSchedule(random: SeededRandom, stopAt: number): Schedule {
  let calls = 0
  let current = 0
  return (owners) => {
    if (calls++ >= stopAt) return null
    if (random.chance(0.4)) current = random.below(owners.length)
    return owners[current % owners.length]
  }
}

/** How many turns the old owner takes, and how many the new one that interrupts it before its end. */
async function callsOf(scene: Scene, grain: Grain): Promise<readonly [number, number]> {
  const calls = { a: 0, b: 0 }
  const count: Schedule = ([owner]) => {
    calls[owner.name === "a" ? "a" : "b"]++
    return owner
  }
  await play(scene, count, grain)
  return [calls.a, calls.b]
}

function lossOf(index: number): Loss {
  return LOSSES[index % LOSSES.length]
}

/** Lengths of runs of two that take turns, the first of which has so many calls: each run but the last is cut short. */
function* runLengths([own, other]: readonly [number, number], interruptions: number): Iterable<readonly number[]> {
  for (let length = 1; length < own; length++) {
    yield [length]
    if (interruptions === 1) continue
    for (const rest of runLengths([other, own - length], interruptions - 1)) yield [length, ...rest]
  }
}

/** All ways to choose `k` of the numbers from `from` to below `n`. */
function* choices(n: number, k: number, from = 0): Iterable<ReadonlySet<number>> {
  if (k === 0) {
    yield new Set()
    return
  }
  for (let first = from; first <= n - k; first++)
    for (const rest of choices(n, k - 1, first + 1)) yield new Set([first, ...rest])
}
