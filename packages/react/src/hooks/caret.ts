export interface Selection {
  readonly start: number
  readonly end: number
  readonly direction: "forward" | "backward" | "none"
}

/** Null: this kind of input has none (numbers, dates, selects). */
export function readSelection(element: HTMLElement): Selection | null {
  const { selectionStart, selectionEnd, selectionDirection } = element as Partial<HTMLInputElement>
  if (typeof selectionStart !== "number" || typeof selectionEnd !== "number") return null
  return { start: selectionStart, end: selectionEnd, direction: selectionDirection ?? "none" }
}

/** Where a selection lies after the text around it became another: what stands before and after it stays there. */
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
    return Math.min(at, to.length - tail)
  }
  return { start: map(selection.start), end: map(selection.end), direction: selection.direction }
}
