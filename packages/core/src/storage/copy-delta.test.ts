import { describe, expect, test } from "vitest"
import { ByteReader, ByteWriter, concatBytes } from "../base/bytes.ts"
import { PAGE_BYTES, type Page } from "../sqlite/page.ts"
import { SeededRandom } from "../testing/seeded-random.ts"
import { readCopies, writeCopies } from "./copy-delta.ts"

const page: Page = new SeededRandom(1).bytes(PAGE_BYTES)
const other: Page = new SeededRandom(2).bytes(PAGE_BYTES)
const malformed = expect.objectContaining({ code: "BYTES_MALFORMED" })

function uint(value: number): number[] {
  return [...new ByteWriter().uint(value).finish()]
}

/** The copies that lead from one page to the other, checked to do so. */
function copiesOf(before: Page, after: Page): number[] {
  const writer = new ByteWriter()
  writeCopies(writer, before, after)
  const bytes = writer.finish()
  expect(readCopies(before, new ByteReader(bytes))).toEqual(after)
  return [...bytes]
}

describe("copies", () => {
  test("an equal page is one copy", () => {
    expect(copiesOf(page, page)).toEqual([0, ...uint(PAGE_BYTES), 0])
  })

  test("inserted bytes stand before the copy that goes on behind them", () => {
    const after = concatBytes([page.subarray(0, 100), Uint8Array.of(7, 8), page.subarray(100, PAGE_BYTES - 2)])
    expect(copiesOf(page, after)).toEqual([0, 100, 0, 2, 7, 8, ...uint(PAGE_BYTES - 102), 0])
  })

  test("a copy from further on or back has the distance from where the last one ended", () => {
    const removed = concatBytes([page.subarray(0, 100), page.subarray(102), Uint8Array.of(7, 8)])
    expect(copiesOf(page, removed)).toEqual([0, 100, 0, 0, ...uint(PAGE_BYTES - 102), 4, 2, 7, 8])
    const turned = concatBytes([page.subarray(200), page.subarray(0, 200)])
    const back = 2 * PAGE_BYTES - 1
    expect(copiesOf(page, turned)).toEqual([0, ...uint(PAGE_BYTES - 200), ...uint(400), 0, ...uint(200), ...uint(back)])
  })

  test("are of six bytes at least: fewer cost as much as they are", () => {
    const withStretch = (count: number) => {
      const after = other.slice()
      after.set(page.subarray(1000, 1000 + count), 1000)
      return copiesOf(page, after).length
    }
    expect(withStretch(5)).toBe(PAGE_BYTES + 2)
    expect(withStretch(6)).toBeLessThan(PAGE_BYTES + 2)
  })

  test("bytes found elsewhere only a little longer are taken from where the last copy ended", () => {
    const before = page.slice()
    before.set(page.subarray(100, 122), 2000)
    const after = other.slice()
    after.set(page.subarray(0, 120), 0)
    expect(copiesOf(before, after).slice(0, 3)).toEqual([0, 120, 0])
  })

  test("the last bytes of a page are found at another place", () => {
    const after = concatBytes([other.subarray(0, PAGE_BYTES - 10), page.subarray(50, 60)])
    expect(copiesOf(page, after).slice(-2)).toEqual([10, 100])
  })

  test("of bytes that occur often are found among the last eight places", () => {
    const before = other.slice()
    for (let i = 0; i < 8; i++) before.set(page.subarray(0, 10), 100 + i * 100)
    before.set(page.subarray(0, 200), 100)
    const after = new Uint8Array(PAGE_BYTES)
    after.set(page.subarray(0, 200), 3000)
    expect(copiesOf(before, after).length).toBeLessThan(PAGE_BYTES - 190)
  })
})

describe("a copy behind two bytes that are new", () => {
  /** The old page has `old` at 20 and `elsewhere` where it says, the new one `made` at 22. Returns the encoded second copy. */
  function secondCopy(old: Uint8Array, made: Uint8Array, elsewhere: Uint8Array = old, at = 20): number[] {
    const before = page.slice()
    before.set(elsewhere, at)
    before.set(old, 20)
    const after = other.slice()
    after.set(before.subarray(0, 20))
    after.set(made, 22)
    const copies = copiesOf(before, after)
    expect([copies.slice(0, 4), copies.slice(4, 6)]).toEqual([[0, 20, 0, 2], [...other.subarray(20, 22)]])
    return copies.slice(6, 8)
  }
  const fives = (count: number) => new Uint8Array(count).fill(5)
  const stretch = other.subarray(500, 520)

  test("goes on where the last one ended, if that is as long as the one in place, or longer", () => {
    expect(secondCopy(fives(12), fives(10))).toEqual([10, 0])
    expect(secondCopy(fives(10), fives(10))).toEqual([10, 0])
  })

  test("goes on there also where another place has two bytes more, or one less", () => {
    expect(secondCopy(stretch.subarray(0, 10), stretch.subarray(0, 12), stretch.subarray(0, 12), 2000)).toEqual([10, 0])
    expect(secondCopy(stretch.subarray(0, 10), stretch.subarray(0, 10), stretch.subarray(0, 9), 5)).toEqual([10, 0])
  })
})

test("a copy in place is found although its first bytes occur in many places behind it", () => {
  const before = page.slice()
  for (let at = 0; at < PAGE_BYTES; at += 16) before.set([1, 2, 3, 4, 5, 6, 7, 8], at)
  const after = before.slice()
  after[3] = 99
  expect(copiesOf(before, after)).toEqual([4, 1, 2, 3, 99, ...uint(PAGE_BYTES - 4), ...uint(8)])
})

describe("copies are refused as malformed (S9)", () => {
  const rest = PAGE_BYTES - 10
  test.each<[string, number[]]>([
    ["of no bytes", [0, 0, 0]],
    ["that end behind their page", [0, ...uint(PAGE_BYTES + 1), 0]],
    ["that end behind the new page", [1, 7, ...uint(PAGE_BYTES), 0]],
    ["that begin before their page", [0, ...uint(20), ...uint(1)]],
    ["that end behind the old page", [10, ...new Array(10).fill(7), ...uint(rest), ...uint(22)]],
    ["with bytes behind the page", [0, ...uint(PAGE_BYTES), 0, 9]],
    ["of no bytes before one that is whole", [0, 0, 0, 0, ...uint(PAGE_BYTES), 0]],
    ["that begin before their page and go on well", [0, ...uint(20), 1, 0, ...uint(PAGE_BYTES - 20), 2]],
    ["before more bytes than are left", [0, ...uint(20), 0, ...uint(rest), ...new Array(rest).fill(7)]],
    ["that end early", [0, ...uint(100), 0]],
    ["with more bytes than a page", [...uint(PAGE_BYTES + 1), ...new Array(PAGE_BYTES + 1).fill(7)]],
  ])("%s", (_, bytes) => {
    expect(() => readCopies(page, new ByteReader(Uint8Array.from(bytes)))).toThrow(malformed)
  })

  test("but not those that touch the ends of both pages", () => {
    const bytes = [10, ...new Array(10).fill(7), ...uint(rest), ...uint(20)]
    const made = readCopies(page, new ByteReader(Uint8Array.from(bytes)))
    expect(made.subarray(10)).toEqual(page.subarray(10))
  })
})
