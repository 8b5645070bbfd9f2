import { expect, test } from "vitest"
import { mapSelection } from "./caret.ts"

/** `|` is the caret. */
const moved = (from: string, to: string) => {
  const at = from.indexOf("|")
  const selection = { start: at, end: at, direction: "none" } as const
  const { start } = mapSelection({ from: from.replace("|", ""), to, selection })
  return `${to.slice(0, start)}|${to.slice(start)}`
}

test.each([
  ["hel|lo", "hello world", "hel|lo world"],
  ["hel|lo", "oh hello", "oh hel|lo"],
  ["onea|, two", "one, twob", "one|, twob"],
  ["one|, two", "onea, twob", "one|a, twob"],
  ["abc|", "", "|"],
  ["|", "abc", "|abc"],
])("the caret of %s stays between its letters in %s (H9)", (from, to, expected) => {
  expect(moved(from, to)).toBe(expected)
})
