"use client"

import { useField } from "@lf/react"
import { type KeyboardEvent, memo, type ReactNode, useCallback, useRef } from "react"
import { type Todo, titleLengthMax, trimmed } from "../lf/mutators"
import type { TodoActions } from "./todo-actions"

interface TodoItemProps {
  readonly todo: Todo
  readonly index: number
  readonly rowCount: number
  /** Pixels from the list's top, when the list is virtual. */
  readonly top?: number
  readonly isEditing: boolean
  readonly isWaiting: boolean
  /** A change of it that was rejected or not kept. */
  readonly report?: ReactNode
  readonly onEdit: (id: string | null) => void
  readonly actions: TodoActions
  readonly measure?: (element: HTMLElement | null) => void
}

/** One row. lf keeps the object of a row that did not change, so `memo` renders exactly the rows that did. */
export const TodoItem = memo(function TodoItem(props: TodoItemProps) {
  const { todo, index, top, isEditing, isWaiting, report, onEdit, actions, measure } = props
  const isVirtual = top !== undefined
  const done = useField(todo.done, (done) => actions.toggle(todo.id, done === 1))
  const toggle = useRef<HTMLInputElement>(null)
  const { ref } = done.checkbox
  const toggleRef = useCallback(
    (element: HTMLInputElement | null) => {
      toggle.current = element
      ref(element)
    },
    [ref],
  )
  const startEditing = () => onEdit(todo.id)

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Enter" && event.key !== "F2") return
    event.preventDefault()
    startEditing()
  }

  return (
    <li
      ref={measure}
      data-testid="todo-item"
      data-index={index}
      className={[done.value ? "completed" : "", isEditing ? "editing" : ""].join(" ").trim()}
      style={isVirtual ? { transform: `translateY(${top}px)` } : undefined}
      aria-setsize={isVirtual ? props.rowCount : undefined}
      aria-posinset={isVirtual ? index + 1 : undefined}
    >
      <div className="view">
        <input
          className="toggle"
          type="checkbox"
          aria-label={todo.title}
          aria-keyshortcuts="F2"
          {...done.checkbox}
          ref={toggleRef}
          onKeyDown={handleKeyDown}
        />
        {/* The checkbox is named by it: hidden, so that a screen reader reads the title once. */}
        {/* biome-ignore lint/a11y/noLabelWithoutControl: TodoMVC's own markup; a click on the title does not toggle */}
        <label data-testid="todo-title" aria-hidden="true" dir="auto" onDoubleClick={startEditing}>
          {todo.title}
        </label>
        {isWaiting && <span className="todo-waits" role="img" aria-label="Not sent yet" title="Not sent yet" />}
        <button
          type="button"
          className="destroy"
          aria-label={`Delete ${todo.title}`}
          onClick={() => actions.remove(todo.id)}
        />
      </div>
      {report}
      {isEditing && (
        <EditInput
          todo={todo}
          actions={actions}
          onEnd={(isByKey) => {
            onEdit(null)
            if (isByKey) requestAnimationFrame(() => toggle.current?.focus())
          }}
        />
      )}
    </li>
  )
})

interface EditInputProps {
  readonly todo: Todo
  readonly actions: TodoActions
  readonly onEnd: (isByKey: boolean) => void
}

/** Follows the row until the user types. The text is saved at blur or unmount; changes from elsewhere do not replace it. */
function EditInput({ todo, actions, onEnd }: EditInputProps) {
  const save = (text: string) => {
    const title = trimmed(text)
    if (title === "") actions.remove(todo.id)
    else if (title !== todo.title) actions.rename(todo.id, title)
  }
  const title = useField(todo.title, save, { when: "blur" })

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === "Escape") title.reset()
    if (event.key === "Enter" || event.key === "Escape") onEnd(true)
  }

  return (
    <input
      className="edit"
      data-testid="todo-edit"
      aria-label="Edit todo"
      {...title.input}
      dir="auto"
      // biome-ignore lint/a11y/noAutofocus: the user has just asked to type here
      autoFocus
      autoComplete="off"
      enterKeyHint="done"
      maxLength={titleLengthMax}
      onBlur={() => onEnd(false)}
      onKeyDown={handleKeyDown}
    />
  )
}
