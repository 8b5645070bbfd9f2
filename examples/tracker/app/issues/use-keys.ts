import { useEffect, useRef } from "react"

/** Single keys of the page, which belong to a field while it has the focus. Escape leaves the field first. */
export function useKeys(actions: Readonly<Record<string, () => void>>): void {
  const newest = useRef(actions)
  useEffect(() => {
    newest.current = actions
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return
      const action = newest.current[event.key]
      if (action === undefined) return
      if (isText(event.target)) {
        if (event.key === "Escape") (event.target as HTMLElement).blur()
        return
      }
      event.preventDefault()
      action()
    }
    window.addEventListener("keydown", onKey)
    return () => window.removeEventListener("keydown", onKey)
  }, [])
}

export function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("textarea, select, input:not([type=checkbox], [type=button])")
}
