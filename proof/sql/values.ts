import type { SeededRandom, SqlValue } from "@lf/core/testing"
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

/** Ids are few, so that rows are met again. Never 2^63-1: the rowid after it is random. */
export function someId(random: SeededRandom): SqlValue {
  return random.chance(0.03) ? random.pick([-(2n ** 63n), 2 ** 31, 2 ** 40, -5]) : 1 + random.below(60)
}

export function someText(random: SeededRandom): string {
  if (random.chance(0.7)) return random.pick(WORDS)
  if (random.chance(0.9)) return Array.from({ length: 1 + random.below(12) }, () => random.pick(WORDS)).join(" ")
  return random.pick(WORDS).repeat(1 + random.below(900))
}

function someBlob(random: SeededRandom): Uint8Array {
  if (random.chance(0.93)) return random.bytes(random.below(24))
  return random.bytes(random.below(random.chance(0.15) ? 100_000 : 9000))
}

function someValue(random: SeededRandom): SqlValue {
  switch (random.weigh({ null: 1, integer: 3, real: 2, text: 4, blob: 1 })) {
    case "null":
      return null
    case "integer":
      return random.chance(0.6) ? random.below(40) : random.pick(INTEGERS)
    case "real":
      return random.pick(REALS)
    case "text":
      return someText(random)
    case "blob":
      return someBlob(random)
  }
}

/** What FTS5 finds behind a NUL is not the same in 3.40. */
export function searchedText(random: SeededRandom): string {
  return someText(random).replaceAll("\0", " ")
}

export function textFor(random: SeededRandom, { isSearched }: Column): string {
  return isSearched ? searchedText(random) : someText(random)
}

/** Mostly what the column takes; sometimes what it refuses. */
export function valueFor(random: SeededRandom, column: Column): SqlValue {
  if (!column.isSearched && random.chance(0.04)) {
    // A large integer would become a real there, whose decimal text the two versions round differently.
    const other = column.type === "real" ? someText : someValue
    const value = random.chance(0.5) ? null : other(random)
    return column.isId && value === 2n ** 63n - 1n ? someId(random) : value
  }
  if (column.isId) return someId(random)
  switch (column.type) {
    case "int":
    case "integer":
      return random.chance(0.8) ? random.below(40) : random.pick(INTEGERS)
    case "real":
      return random.chance(0.7) ? random.pick(REALS) : random.below(100)
    case "text":
    case "varchar(10)":
      return textFor(random, column)
    case "blob":
      return someBlob(random)
    default:
      return someValue(random)
  }
}
