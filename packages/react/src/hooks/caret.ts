export interface Selection {
  readonly start: number
  readonly end: number
  readonly direction: "forward" | "backward" | "none"
}

/** Null: this kind of input has no selection (numbers, dates, selects). */
export function readSelection(element: HTMLElement): Selection | null {
  const { selectionStart, selectionEnd, selectionDirection } = element as Partial<HTMLInputElement>
  if (typeof selectionStart !== "number" || typeof selectionEnd !== "number") return null
  return { start: selectionStart, end: selectionEnd, direction: selectionDirection ?? "none" }
}

/** Moves a selection to a changed text: it stays between the same neighbouring letters. */
export function mapSelection({
  from,
  to,
  selection,
}: {
  readonly from: string
  readonly to: string
  readonly selection: Selection
}): Selection {
  const shorter = Math.min(from.length, to.length)
  let head = 0
  while (head < shorter && from[head] === to[head]) head++
  let tail = 0
  while (tail < shorter - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail++
  const map = (at: number) => {
    if (at <= head) return at
    if (at >= from.length - tail) return at + to.length - from.length
    // Within the change: where most of the neighbouring letters are the same.
    let best = Math.min(at, to.length - tail)
    let most = sameAround(from, at, to, best)
    for (let place = head; place <= to.length - tail; place++) {
      const same = sameAround(from, at, to, place)
      if (same > most) [best, most] = [place, same]
    }
    return best
  }
  return { start: map(selection.start), end: map(selection.end), direction: selection.direction }
}

/** Neighbouring letters that are compared on either side: enough to distinguish places, and bounded for long texts. */
const AROUND_MAX = 64

/** How many letters directly before and after a place in one text are the same around a place in the other. */
function sameAround(from: string, at: number, to: string, place: number): number {
  let before = 0
  while (before < AROUND_MAX && before < at && from[at - 1 - before] === to[place - 1 - before]) before++
  let after = 0
  while (after < AROUND_MAX && at + after < from.length && from[at + after] === to[place + after]) after++
  return before + after
}
