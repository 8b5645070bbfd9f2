"use client"

import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from "react"
import type { Todo } from "../lf/mutators"

interface FocusedRow {
  readonly id: string
  index: number
  /** The focus is to be seen there: it was moved by key, or a key was pressed since. */
  readonly isByKey: boolean
}

/**
 * When the row with the keyboard's focus leaves the list (it was deleted, here or elsewhere, or ticked under a filter), the focus
 * goes to the row that takes its place, or to the one above; without rows to the field for new todos. Returns handlers for the
 * list.
 */
export function useRowFocus(list: RefObject<HTMLElement | null>, todos: readonly Todo[]) {
  const focused = useRef<FocusedRow | null>(null)

  useLayoutEffect(() => {
    const row = focused.current
    if (row === null) return
    const index = todos.findIndex(({ id }) => id === row.id)
    if (index !== -1) {
      row.index = index
      return
    }
    focused.current = null
    if (row.isByKey && document.activeElement === document.body)
      focusRow(list.current, Math.min(row.index, todos.length - 1))
  }, [list, todos])

  // The last row takes the list with it.
  useLayoutEffect(
    () => () => {
      if (focused.current?.isByKey) focusRow(null, -1)
    },
    [],
  )

  const note = ({ type, target }: FocusEvent | KeyboardEvent) => {
    if (!(target instanceof HTMLElement)) return
    const index = Number(target.closest("li")?.dataset.index)
    const id = todos[index]?.id
    const isByKey = type === "keydown" || target.matches(":focus-visible")
    focused.current = id === undefined ? null : { id, index, isByKey }
  }
  const forget = () => {
    focused.current = null
  }
  return { onFocus: note, onKeyDown: note, onBlur: forget }
}

function focusRow(list: HTMLElement | null, index: number): void {
  const toggle = list?.querySelector<HTMLElement>(`li[data-index="${index}"] .toggle`)
  const instead = toggle ?? document.querySelector<HTMLElement>(".new-todo")
  instead?.focus()
}
