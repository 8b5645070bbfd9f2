"use client"

import { type KeyboardEvent, useEffect, useRef } from "react"
import { titleLengthMax } from "../lf/mutators"

interface NewTodoProps {
  readonly onAdd?: (title: string, restore: () => void) => void
  /** The id of what is said of it; undefined: nothing. */
  readonly describedBy?: string | undefined
}

/** The text is the DOM's own: whatever arrives meanwhile, half-typed words and the caret stay where they are. */
export function NewTodo({ onAdd, describedBy }: NewTodoProps) {
  const input = useRef<HTMLInputElement>(null)

  // `autofocus` is ignored when the address has a fragment, and the filters are fragments.
  useEffect(() => {
    if (document.activeElement === document.body) input.current?.focus({ preventScroll: true })
  }, [])

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    // Enter that ends an input method's composition is not the user's.
    if (event.key !== "Enter" || event.nativeEvent.isComposing || onAdd === undefined) return
    const field = event.currentTarget
    const title = field.value.trim()
    if (title === "") return
    field.value = ""
    onAdd(title, () => {
      if (field.value === "") field.value = title
    })
  }

  return (
    <input
      ref={input}
      className="new-todo"
      data-testid="new-todo"
      aria-label="New todo"
      aria-describedby={describedBy}
      placeholder="What needs to be done?"
      dir="auto"
      // biome-ignore lint/a11y/noAutofocus: TodoMVC's specification asks for it, and the page is this one input
      autoFocus
      autoComplete="off"
      enterKeyHint="done"
      maxLength={titleLengthMax}
      onKeyDown={handleKeyDown}
    />
  )
}
