import { deflateSync, inflateSync } from "fflate"
import { describe, expect, test } from "vitest"
import { ByteWriter, bytesEqual } from "../base/bytes.ts"
import { useDeflater } from "../base/deflate.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { applyDelta, applyDeltas, encodeDelta, encodeWhole, inflateAhead, isWhole, samePage } from "./delta.ts"

const [RUNS, DEFLATED, RAW, COPIES] = [0, 1, 2, 3]
const zeros: Page = new Uint8Array(PAGE_BYTES)
/** Incompressible bytes. */
const noise: Page = new SeededRandom(1).bytes(PAGE_BYTES)
const otherNoise: Page = new SeededRandom(2).bytes(PAGE_BYTES)
const malformed = expect.objectContaining({ code: "BYTES_MALFORMED" })

/** `page` with these bytes from these places on. */
function changed(page: Page, ...changes: readonly (readonly [at: number, ...bytes: number[]])[]): Page {
  const copy = page.slice()
  for (const [at, ...bytes] of changes) copy.set(bytes, at)
  return copy
}

/** The delta between two pages, checked to lead from one to the other. */
function deltaOf(before: Page | undefined, after: Page): number[] {
  const delta = encodeDelta(before, after)
  const untouched = before?.slice()
  expect(samePage(applyDelta(before, delta), after)).toBe(true)
  expect(before).toEqual(untouched)
  return [...delta]
}

describe("runs", () => {
  test("are the bytes kept, the bytes replaced and these", () => {
    expect(deltaOf(zeros, changed(zeros, [10, 7]))).toEqual([RUNS, 10, 1, 7])
    expect(deltaOf(zeros, changed(zeros, [0, 7, 8]))).toEqual([RUNS, 0, 2, 7, 8])
    expect(deltaOf(zeros, changed(zeros, [10, 7], [30, 8, 9]))).toEqual([RUNS, 10, 1, 7, 19, 2, 8, 9])
    expect(deltaOf(zeros, zeros)).toEqual([RUNS])
  })

  test("go on over fewer than four equal bytes, which cost less than a run's lengths", () => {
    expect(deltaOf(zeros, changed(zeros, [10, 7, 0, 0, 0, 8]))).toEqual([RUNS, 10, 5, 7, 0, 0, 0, 8])
    expect(deltaOf(zeros, changed(zeros, [10, 7, 0, 0, 0, 0, 8]))).toEqual([RUNS, 10, 1, 7, 4, 1, 8])
  })

  test("end with the page, and before equal bytes at its end", () => {
    expect(deltaOf(zeros, changed(zeros, [4094, 7, 8]))).toEqual([RUNS, 0xfe, 0x1f, 2, 7, 8])
    expect(deltaOf(zeros, changed(zeros, [4093, 7]))).toEqual([RUNS, 0xfd, 0x1f, 1, 7])
    expect(deltaOf(zeros, changed(zeros, [4091, 7, 0, 0, 0, 8]))).toEqual([RUNS, 0xfb, 0x1f, 5, 7, 0, 0, 0, 8])
  })
})

describe("the smallest delta is taken", () => {
  /** Bytes of noise that stand two bytes further on than before. */
  function shifted(count: number): [Page, Page] {
    const bytes = [...noise.subarray(0, count)]
    return [changed(zeros, [100, ...bytes]), changed(zeros, [102, ...bytes])]
  }

  test("runs of up to 48 bytes without a look at copies; copies where they are smaller", () => {
    const small = deltaOf(...shifted(43))
    expect([small[0], small.length]).toEqual([RUNS, 48])
    const large = deltaOf(...shifted(44))
    expect(large[0]).toBe(COPIES)
    expect(large.length).toBeLessThan(20)
  })

  test("runs before copies of the same size or more", () => {
    expect(deltaOf(noise, changed(noise, [500, ...otherNoise.subarray(0, 60)]))[0]).toBe(RUNS)
  })

  test("up to 512 bytes are not compressed; beyond, a page that compresses well is sent whole", () => {
    const sevens = (count: number) => changed(zeros, [100, ...Array<number>(count).fill(7)])
    const uncompressed = deltaOf(zeros, sevens(508))
    expect([uncompressed[0], uncompressed.length]).toEqual([RUNS, 512])
    const compressed = deltaOf(zeros, sevens(509))
    expect(compressed[0]).toBe(DEFLATED)
    expect(compressed.length).toBeLessThan(100)
  })

  test("changes of more than 512 bytes where the whole page would be more", () => {
    const delta = deltaOf(noise, changed(noise, [0, ...otherNoise.subarray(0, 2000)]))
    expect(delta[0]).toBe(RUNS)
    expect(delta.length).toBeLessThan(2010)
  })

  test("a page that is new, or has nothing of the old one, is sent whole: compressed, or as it is", () => {
    expect(deltaOf(undefined, zeros)[0]).toBe(DEFLATED)
    for (const delta of [deltaOf(undefined, noise), deltaOf(zeros, noise)])
      expect([delta[0], delta.length]).toEqual([RAW, PAGE_BYTES + 1])
  })
})

test("whole are the deltas that need no old page", () => {
  expect([zeros, noise].map((page) => isWhole(encodeWhole(page)))).toEqual([true, true])
  expect([RUNS, COPIES].map((kind) => isWhole(Uint8Array.of(kind)))).toEqual([false, false])
})

test("a page that was inflated ahead is not inflated again when it is wanted", () => {
  let inflations = 0
  useDeflater({
    inflate: (bytes) => {
      inflations++
      return inflateSync(bytes)
    },
  })
  try {
    const delta = encodeWhole(zeros)
    inflateAhead(delta)
    expect(inflations).toBe(1)
    expect(applyDelta(undefined, delta)).toEqual(zeros)
    expect(inflations).toBe(1)
  } finally {
    useDeflater(null)
  }
})

describe("a delta is refused as malformed (S9)", () => {
  const run = (kept: number, count: number) =>
    new ByteWriter().u8(RUNS).uint(kept).bytes(new Uint8Array(count).fill(7)).finish()
  const deflated = (count: number) => new Uint8Array([DEFLATED, ...deflateSync(new Uint8Array(count))])

  test.each<[string, Page | undefined, Uint8Array]>([
    ["runs without an old page", undefined, Uint8Array.of(RUNS, 10, 1, 7)],
    ["copies without an old page", undefined, encodeDelta(noise, changed(noise, [0, 1]))],
    ["a run that ends one byte behind the page", zeros, run(PAGE_BYTES - 2, 3)],
    ["a run of more than a page", zeros, run(0, PAGE_BYTES + 1)],
    ["a raw page with a byte less", zeros, new Uint8Array(PAGE_BYTES).fill(RAW)],
    ["a raw page with a byte more", zeros, new Uint8Array(PAGE_BYTES + 2).fill(RAW)],
    ["a compressed page with a byte less", zeros, deflated(PAGE_BYTES - 1)],
    ["a compressed page with a byte more", zeros, deflated(PAGE_BYTES + 1)],
    ["a compressed page of 1 MB", zeros, deflated(1_000_000)],
    ["bytes that are not compressed", zeros, Uint8Array.of(DEFLATED, 255, 255)],
    ["more compressed bytes than a page can have", zeros, new Uint8Array([DEFLATED, ...noise, ...noise])],
    ["an unknown kind", zeros, Uint8Array.of(4)],
    ["nothing", zeros, new Uint8Array(0)],
  ])("%s", (_, before, delta) => {
    expect(() => applyDelta(before, delta)).toThrow(malformed)
  })

  test("but not one that ends with the page", () => {
    expect(applyDelta(zeros, run(PAGE_BYTES - 3, 3)).subarray(-4)).toEqual(Uint8Array.of(0, 7, 7, 7))
    expect(applyDelta(noise, deflated(PAGE_BYTES))).toEqual(zeros)
  })

  test("a page with a trailer of at most 64 bytes after its deflate data is read, a longer one not", () => {
    const padded = (count: number) => {
      const bytes = new Uint8Array(1 + PAGE_BYTES + count)
      bytes.set(deflated(PAGE_BYTES))
      return bytes
    }
    expect(applyDelta(noise, padded(64))).toEqual(zeros)
    expect(() => applyDelta(noise, padded(65))).toThrow(malformed)
  })
})

test("what a delta gives does not change with the bytes that it was read from", () => {
  for (const page of [noise, zeros]) {
    const delta = encodeWhole(page)
    const read = applyDelta(undefined, delta)
    delta.fill(9)
    expect(samePage(read, page)).toBe(true)
    expect(read.buffer.byteLength).toBe(PAGE_BYTES)
  }
})

test("two pages are the same when all their bytes are, or when both are missing", () => {
  expect(samePage(undefined, undefined)).toBe(true)
  expect(samePage(zeros, zeros.slice())).toBe(true)
  for (const other of [undefined, changed(zeros, [4095, 1])]) {
    expect(samePage(zeros, other)).toBe(false)
    expect(samePage(other, zeros)).toBe(false)
  }
})

test("a chain of deltas leads where each after the other does, and writes into no page that was there before", () => {
  const random = new SeededRandom(7)
  for (let round = 0; round < 50; round++) {
    const start = Uint8Array.from({ length: PAGE_BYTES }, () => random.below(4))
    const states = [start]
    for (let i = 0; i < 6; i++) {
      const next = (states.at(-1) ?? start).slice()
      const kind = random.below(4)
      if (kind === 0) next.set(next.slice(100, 300), 102 + random.below(50))
      else if (kind === 1) for (let at = 0; at < PAGE_BYTES; at++) next[at] = random.below(256)
      else for (let k = 0; k < 3; k++) next[random.below(PAGE_BYTES)] = random.below(256)
      states.push(next)
    }
    const deltas = states
      .slice(1)
      .map((after, i) => (random.chance(0.2) ? encodeWhole(after) : encodeDelta(states[i], after)))
    for (const delta of deltas) if (random.chance(0.3)) inflateAhead(delta)
    const kept = states.map((state) => state.slice())
    for (let count = 0; count <= deltas.length; count++) {
      expect(bytesEqual(applyDeltas(start, deltas.slice(0, count)) ?? start, states[count])).toBe(true)
      expect(bytesEqual(applyDeltas(start, deltas) ?? start, states[deltas.length])).toBe(true)
    }
    for (const [i, state] of states.entries()) expect(bytesEqual(state, kept[i])).toBe(true)
  }
})

test("what changed in very many places is no list of runs: copies or the page are sent", () => {
  const after = noise.slice()
  for (let at = 0; at < PAGE_BYTES; at += 10) after[at] ^= 1
  const delta = encodeDelta(noise, after)
  expect(delta[0]).not.toBe(RUNS)
  expect(samePage(applyDelta(noise, delta), after)).toBe(true)
})
