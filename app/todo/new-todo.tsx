"use client"

import { type ClipboardEvent, type InputEvent, type KeyboardEvent, useEffect, useRef, useState } from "react"
import { titleLengthMax, trimmed } from "../lf/mutators"

interface NewTodoProps {
  readonly onAdd?: (title: string, restore: () => void) => void
  /** The id of what is said of it; undefined: nothing. */
  readonly describedBy?: string | undefined
}

const cutId = "new-todo-cut"

/** The text is the DOM's own: whatever arrives meanwhile, half-typed words and the caret stay where they are. */
export function NewTodo({ onAdd, describedBy }: NewTodoProps) {
  const input = useRef<HTMLInputElement>(null)
  const [isCut, setIsCut] = useState(false)

  // `autofocus` is ignored when the address has a fragment, and the filters are fragments.
  useEffect(() => {
    if (document.activeElement === document.body) input.current?.focus({ preventScroll: true })
  }, [])

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    // Enter that ends an input method's composition is not the user's.
    if (event.key !== "Enter" || event.nativeEvent.isComposing || onAdd === undefined) return
    const field = event.currentTarget
    const title = trimmed(field.value)
    if (title === "") return
    field.value = ""
    setIsCut(false)
    onAdd(title, () => {
      if (field.value === "") field.value = title
    })
  }

  // The browser cuts it without a word.
  const handlePaste = ({ currentTarget: field, clipboardData }: ClipboardEvent<HTMLInputElement>) => {
    const replaced = (field.selectionEnd ?? 0) - (field.selectionStart ?? 0)
    const pasted = clipboardData.getData("text").replaceAll(/[\r\n]/g, "")
    setIsCut(field.value.length - replaced + pasted.length > titleLengthMax)
  }
  const handleInput = ({ nativeEvent }: InputEvent<HTMLInputElement>) => {
    if (nativeEvent.inputType !== "insertFromPaste") setIsCut(false)
  }

  return (
    <>
      <input
        ref={input}
        className="new-todo"
        data-testid="new-todo"
        aria-label="New todo"
        aria-describedby={[describedBy, isCut && cutId].filter(Boolean).join(" ") || undefined}
        placeholder="What needs to be done?"
        dir="auto"
        // biome-ignore lint/a11y/noAutofocus: TodoMVC's specification asks for it, and the page is this one input
        autoFocus
        autoComplete="off"
        enterKeyHint="done"
        maxLength={titleLengthMax}
        onKeyDown={handleKeyDown}
        onPaste={handlePaste}
        onInput={handleInput}
      />
      <p className="new-cut" id={cutId} role="status">
        {isCut && `A todo has ${titleLengthMax} letters at most: the rest of what you pasted is not here.`}
      </p>
    </>
  )
}
