"use client"

import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useMemo, useRef } from "react"
import type { Todo } from "../lf/mutators"
import type { TodoActions } from "./todo-actions"

interface FocusedRow {
  readonly id: string
  todo: Todo
  index: number
  /** The focus is to be seen there: it was moved by key, or a key was pressed since. */
  readonly isByKey: boolean
  /** The user has ticked or deleted it, which is not seen yet. */
  hasActed: boolean
}

/**
 * When the row with the keyboard's focus leaves the list, by what its user did (deleted it, or ticked it under a filter), the focus
 * goes to the checkbox of the row that takes its place, or of the one above; without rows to the field for new todos. By what
 * another user did it goes to that row itself, or to the page's main part, where no key does anything: what the user types on
 * changes no other row. Returns handlers for the list, and the actions for its rows.
 */
export function useRowFocus(list: RefObject<HTMLElement | null>, todos: readonly Todo[], actions: TodoActions) {
  const focused = useRef<FocusedRow | null>(null)

  useLayoutEffect(() => {
    const row = focused.current
    if (row === null) return
    const index = todos.findIndex(({ id }) => id === row.id)
    const todo = todos[index]
    if (todo !== undefined) {
      row.index = index
      if (row.todo !== todo) row.hasActed = false
      row.todo = todo
      return
    }
    focused.current = null
    if (row.isByKey && document.activeElement === document.body)
      focusRow(list.current, Math.min(row.index, todos.length - 1), row.hasActed)
  }, [list, todos])

  // The last row takes the list with it.
  useLayoutEffect(
    () => () => {
      if (focused.current?.isByKey) focusRow(null, -1, focused.current.hasActed)
    },
    [],
  )

  const note = (event: FocusEvent | KeyboardEvent) => {
    const { type, target } = event
    if (!(target instanceof HTMLElement)) return
    // It would scroll the page.
    if (target.matches("li") && "key" in event && event.key === " ") event.preventDefault()
    const index = Number(target.closest("li")?.dataset.index)
    const todo = todos[index]
    const isByKey = type === "keydown" || target.matches(":focus-visible")
    const hasActed = focused.current !== null && focused.current.id === todo?.id && focused.current.hasActed
    focused.current = todo === undefined ? null : { id: todo.id, todo, index, isByKey, hasActed }
  }
  const forget = () => {
    focused.current = null
  }
  return {
    handlers: { onFocus: note, onKeyDown: note, onBlur: forget },
    rowActions: useMemo(() => noted(actions, focused), [actions]),
  }
}

/** The actions, of which those that take a row away are noted. */
function noted(actions: TodoActions, focused: RefObject<FocusedRow | null>): TodoActions {
  const note = (id: string) => {
    if (focused.current?.id === id) focused.current.hasActed = true
  }
  return {
    ...actions,
    toggle: (id, done) => {
      note(id)
      actions.toggle(id, done)
    },
    remove: (id) => {
      note(id)
      actions.remove(id)
    },
  }
}

function focusRow(list: HTMLElement | null, index: number, isOwnAct: boolean): void {
  const row = list?.querySelector<HTMLElement>(`li[data-index="${index}"]`)
  if (isOwnAct) {
    const instead = row?.querySelector<HTMLElement>(".toggle") ?? document.querySelector<HTMLElement>(".new-todo")
    instead?.focus()
    return
  }
  if (row) {
    row.tabIndex = -1
    row.addEventListener("blur", () => row.removeAttribute("tabindex"), { once: true })
  }
  const instead = row ?? document.querySelector<HTMLElement>("main")
  instead?.focus()
}
