"use client"

import { useField } from "@lf/react"
import type { KeyboardEvent } from "react"
import { ConnectionBadge } from "../chrome/connection-badge"
import type { ShownStatus } from "../chrome/use-settled-status"
import { type Todo, titleLengthMax } from "../lf/mutators"
import type { Happening } from "./use-happenings"

interface PaneViewProps {
  readonly name: string
  readonly placeholder: string
  readonly todos: readonly Todo[]
  readonly waiting: ReadonlySet<string>
  readonly isCut: boolean
  readonly status: ShownStatus
  readonly problem: string | null
  readonly happenings: readonly Happening[]
  readonly onAdd: (title: string) => void
  readonly onToggle: (id: string, done: boolean) => void
  readonly onCut: (isCut: boolean) => void
}

/** What one client shows. Its places are there before there are rows: nothing on the page moves. */
export function PaneView(props: PaneViewProps) {
  const { name, placeholder, todos, waiting, isCut, status, problem, happenings } = props
  const { onAdd, onToggle, onCut } = props

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return
    const title = event.currentTarget.value.trim()
    if (title === "") return
    event.currentTarget.value = ""
    onAdd(title)
  }

  return (
    <article className="pane" data-cut={isCut} aria-label={name}>
      <header className="pane-header">
        <h2>{name}</h2>
        <ConnectionBadge status={status} />
        <button
          type="button"
          role="switch"
          className="switch"
          aria-checked={isCut}
          aria-label={`Cut the network of ${name.toLowerCase()}`}
          disabled={status === "opening"}
          onClick={() => onCut(!isCut)}
        >
          <span className="switch-track" aria-hidden="true" />
          <span>
            Cut <span className="by-width">network</span>
          </span>
        </button>
      </header>
      <input
        className="pane-input"
        aria-label={`New todo on ${name.toLowerCase()}`}
        placeholder={placeholder}
        autoComplete="off"
        enterKeyHint="done"
        maxLength={titleLengthMax}
        onKeyDown={handleKeyDown}
      />
      <ul className="pane-rows" aria-label={`Todos on ${name.toLowerCase()}`}>
        {todos.map((todo) => (
          <Row key={todo.id} todo={todo} isWaiting={waiting.has(todo.id)} onToggle={onToggle} />
        ))}
      </ul>
      <p className="pane-problem" role="alert">
        {problem}
      </p>
      <ol className="pane-log" aria-label={`What happened on ${name.toLowerCase()}`}>
        {happenings.map(({ key, text }) => (
          <li key={key}>{text}</li>
        ))}
      </ol>
    </article>
  )
}

interface RowProps {
  readonly todo: Todo
  readonly isWaiting: boolean
  readonly onToggle: (id: string, done: boolean) => void
}

function Row({ todo, isWaiting, onToggle }: RowProps) {
  const done = useField(todo.done, (done) => onToggle(todo.id, done === 1))
  return (
    <li className={done.value ? "pane-row done" : "pane-row"}>
      <label>
        <input type="checkbox" {...done.checkbox} />
        <span className="pane-title">{todo.title}</span>
      </label>
      <span className="waits" data-waits={isWaiting}>
        {isWaiting && "waits"}
      </span>
    </li>
  )
}
