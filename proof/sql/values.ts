import type { SqlValue } from "../../packages/core/src/sqlite/value.ts"
import type { Luck } from "../../packages/core/src/testing/luck.ts"
import type { Column } from "./schema.ts"

const INTEGERS: readonly SqlValue[] = [
  ...[0, 1, -1, 7, 127, 128, 32_767, 32_768, 8_388_607, 8_388_608, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 47],
  ...[2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n],
]

/** Sums of these are exact in any order, and their decimal text is the same at 15 and at 17 digits. */
const REALS: readonly number[] = [0.5, -0.25, 3.125, 1e-3, 123_456.75, -99.5, 2 ** 20 + 0.5, Infinity, -Infinity]

export const WORDS: readonly string[] = [
  ...["apple", "Apple", "pear", "plum tree", "river", "stone and river", "a", "", "0", "12", "-3.5", "1e3", " x "],
  ...["é€😀", "Ünïcödé", "日本語", "zero\u200dwidth", "nul\0inside", "line\nbreak", "it's", '"quoted"', "100%", "ß"],
]

/** Ids are few, so that rows are met again. Never 2^63-1: the rowid after it is a matter of luck. */
export function someId(luck: Luck): SqlValue {
  return luck.chance(0.03) ? luck.pick([-(2n ** 63n), 2 ** 31, 2 ** 40, -5]) : 1 + luck.below(60)
}

export function someText(luck: Luck): string {
  if (luck.chance(0.7)) return luck.pick(WORDS)
  if (luck.chance(0.9)) return Array.from({ length: 1 + luck.below(12) }, () => luck.pick(WORDS)).join(" ")
  return luck.pick(WORDS).repeat(1 + luck.below(900))
}

export function someBlob(luck: Luck): Uint8Array {
  if (luck.chance(0.93)) return luck.bytes(luck.below(24))
  return luck.bytes(luck.below(luck.chance(0.15) ? 100_000 : 9000))
}

export function someValue(luck: Luck): SqlValue {
  switch (luck.weigh({ null: 1, integer: 3, real: 2, text: 4, blob: 1 })) {
    case "null":
      return null
    case "integer":
      return luck.chance(0.6) ? luck.below(40) : luck.pick(INTEGERS)
    case "real":
      return luck.pick(REALS)
    case "text":
      return someText(luck)
    case "blob":
      return someBlob(luck)
  }
}

/** What FTS5 finds behind a NUL is not the same in 3.40. */
export function searchedText(luck: Luck): string {
  return someText(luck).replaceAll("\0", " ")
}

export function textFor(luck: Luck, { isSearched }: Column): string {
  return isSearched ? searchedText(luck) : someText(luck)
}

/** Mostly what the column takes; sometimes what it refuses. */
export function valueFor(luck: Luck, column: Column): SqlValue {
  if (!column.isSearched && luck.chance(0.04)) {
    // A large integer would become a real there, whose decimal text the two versions round differently.
    const other = column.type === "real" ? someText : someValue
    const value = luck.chance(0.5) ? null : other(luck)
    return column.isId && value === 2n ** 63n - 1n ? someId(luck) : value
  }
  if (column.isId) return someId(luck)
  switch (column.type) {
    case "int":
    case "integer":
      return luck.chance(0.8) ? luck.below(40) : luck.pick(INTEGERS)
    case "real":
      return luck.chance(0.7) ? luck.pick(REALS) : luck.below(100)
    case "text":
    case "varchar(10)":
      return textFor(luck, column)
    case "blob":
      return someBlob(luck)
    default:
      return someValue(luck)
  }
}
