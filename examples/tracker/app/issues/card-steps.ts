interface Step {
  readonly across: number
  readonly down: number
  /** The issue that is open: where a step begins when no card has the focus. */
  readonly open: string | null
}

/** The card that a step leads to; the first one when there is none to begin at, null at an edge. Empty columns are left out. */
export function cardBeside(board: HTMLElement, { across, down, open }: Step): HTMLElement | null {
  const columns = [...board.querySelectorAll("[data-column]")]
    .map((column) => [...column.querySelectorAll<HTMLElement>("[data-card]")])
    .filter((cards) => cards.length > 0)
  const isStart = (card: HTMLElement) => card === document.activeElement
  const isOpen = (card: HTMLElement) => card.dataset.card === open
  const at = columns.flat().find(isStart) ?? columns.flat().find(isOpen)
  if (at === undefined) return columns[0]?.[0] ?? null
  const x = columns.findIndex((cards) => cards.includes(at))
  const y = columns[x]?.indexOf(at) ?? 0
  if (across === 0) return columns[x]?.[y + down] ?? null
  const cards = columns[x + across] ?? []
  return cards[Math.min(y, cards.length - 1)] ?? null
}
