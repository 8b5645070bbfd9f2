import { expect, test } from "vitest"
import { mapSelection, readSelection } from "./caret.ts"

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
  // At the borders of what changed.
  ["ab|cd", "abXcd", "ab|Xcd"],
  ["abX|cd", "abcd", "ab|cd"],
  ["abcd|", "abXcd", "abXcd|"],
  ["|abcd", "Xabcd", "|Xabcd"],
  ["aa|a", "aaaa", "aa|aa"],
  ["aaa|a", "aaa", "aaa|"],
  // Within it: where most of the neighbours are the same, the nearest of such.
  ["x12|34y", "x99123499y", "x9912|3499y"],
  ["xab|y", "xcdy", "xcd|y"],
  // 64 neighbours are compared: more do not count.
  [`P${"b".repeat(100)}|Q`, `R${"b".repeat(64)}c${"b".repeat(65)}S`, `R${"b".repeat(64)}|c${"b".repeat(65)}S`],
  [`P|${"b".repeat(100)}Q`, `R${"b".repeat(64)}c${"b".repeat(65)}S`, `R|${"b".repeat(64)}c${"b".repeat(65)}S`],
])("the caret of %s stays between its letters in %s (H9)", (from, to, expected) => {
  expect(moved(from, to)).toBe(expected)
})

test("a selection is read with its direction; an input of another kind has none (H9)", () => {
  const input = (given: object) => given as HTMLElement
  const [selectionStart, selectionEnd] = [1, 3]
  expect(readSelection(input({ selectionStart, selectionEnd, selectionDirection: "backward" }))).toEqual({
    start: 1,
    end: 3,
    direction: "backward",
  })
  expect(readSelection(input({ selectionStart, selectionEnd, selectionDirection: null }))?.direction).toBe("none")
  for (const none of [{}, { selectionStart: null, selectionEnd: null }, { selectionStart }, { selectionEnd }])
    expect(readSelection(input(none))).toBeNull()
})

test("both ends of a selection are mapped (H9)", () => {
  const selection = { start: 1, end: 3, direction: "forward" } as const
  expect(mapSelection({ from: "abcd", to: "XXabcd", selection })).toEqual({ start: 3, end: 5, direction: "forward" })
})

test("a caret is where a slow and plain search puts it, for all short texts (H9)", () => {
  const texts = [""]
  for (const text of texts) if (text.length < 5) texts.push(`${text}a`, `${text}b`)
  for (const from of texts)
    for (const to of texts)
      for (let at = 0; at <= from.length; at++) {
        const selection = { start: at, end: at, direction: "none" } as const
        expect([from, to, at, mapSelection({ from, to, selection }).start]).toEqual([from, to, at, found(from, to, at)])
      }
})

/** Before, behind or within what changed; within it where most neighbours are the same. */
function found(from: string, to: string, at: number): number {
  const head = common(from, to)
  const tail = Math.min(common(reversed(from), reversed(to)), Math.min(from.length, to.length) - head)
  if (at <= head) return at
  if (at >= from.length - tail) return at + to.length - from.length
  const same = (place: number) =>
    common(reversed(from.slice(0, at)), reversed(to.slice(0, place))) + common(from.slice(at), to.slice(place))
  let best = Math.min(at, to.length - tail)
  for (let place = head; place <= to.length - tail; place++) if (same(place) > same(best)) best = place
  return best
}

function common(a: string, b: string): number {
  let length = 0
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++
  return length
}

function reversed(text: string): string {
  return text.split("").reverse().join("")
}
