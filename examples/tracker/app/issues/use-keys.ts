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

/**
 * A field may vanish while a user writes in it: another user undid its issue. Further letters do nothing until the
 * user clicks, presses Tab or Escape, or goes back.
 */
export function useVanishedField(): void {
  useEffect(() => {
    let field: Element | null = null
    const note = ({ target }: Event) => {
      if (isText(target))
        field = target as Element // as it says
      else if (field?.isConnected) field = null
    }
    const leave = () => {
      field = null
    }
    const onKey = (event: KeyboardEvent) => {
      if (isText(event.target)) field = event.target as Element // as it says
      if (event.key === "Tab" || (event.key === "Escape" && !event.isComposing)) leave()
      if (field === null || field.isConnected) return
      event.stopPropagation()
      const isCommand = event.ctrlKey || event.metaKey || event.altKey
      if (!isCommand && (event.key.length === 1 || event.key === "Enter")) event.preventDefault()
    }
    // Before all others see the key.
    const abort = new AbortController()
    const options = { capture: true, signal: abort.signal }
    window.addEventListener("keydown", onKey, options)
    window.addEventListener("focusin", note, options)
    for (const type of ["pointerdown", "popstate"]) window.addEventListener(type, leave, options)
    return () => abort.abort()
  }, [])
}

export function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("textarea, select, input:not([type=checkbox], [type=button])")
}
