import type { MouseEvent } from "react"

/**
 * For a button that goes away when it is pressed: pressed by key, it gives the focus to the field that it was about, or to the
 * page's own. A pointer's press leaves the focus where it is.
 */
export function focusInstead(event: MouseEvent<HTMLElement>): void {
  if (event.detail !== 0) return
  const field = event.currentTarget.closest("li, header, article")?.querySelector("input")
  const instead = field ?? document.querySelector<HTMLElement>(".new-todo")
  instead?.focus()
}
