import { useEffect, useRef } from "react"

/** Of the row or the card that opens it: where the focus goes when it is closed. */
export const buttonIdOf = (issue: string) => `issue-${issue}`
export const issuesId = "issues"
export const headingId = "detail-heading"

/** To the issue that is open, else to the list. */
export function focusContent(): void {
  const element = document.getElementById(headingId) ?? document.getElementById(issuesId)
  element?.focus()
}

/** The focus would vanish with the detail: it goes back to the row. */
export function useFocusOnClose(open: string | null): void {
  const before = useRef(open)
  useEffect(() => {
    const closed = before.current
    before.current = open
    if (open !== null || closed === null || !isFocusLost()) return
    const row = document.getElementById(buttonIdOf(closed)) ?? document.getElementById(issuesId)
    row?.focus()
  }, [open])
}

/** What had the focus was removed, or hidden. */
export function isFocusLost(): boolean {
  const { activeElement } = document
  return activeElement === null || activeElement === document.body
}
