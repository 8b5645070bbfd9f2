"use client"

import { type DismissibleRejection, useField } from "@lf/react"
import type { KeyboardEvent } from "react"
import { ConnectionBadge } from "../chrome/connection-badge"
import { RejectedNotice } from "../chrome/rejected-notice"
import type { ShownStatus } from "../chrome/use-settled-status"
import { type Todo, titleLengthMax, trimmed } from "../lf/mutators"
import type { Happening } from "./use-happenings"

interface PaneViewProps {
  readonly name: string
  readonly placeholder: string
  readonly todos: readonly Todo[]
  /** How many older ones are not shown. */
  readonly moreCount: number
  readonly waiting: ReadonlySet<string>
  readonly isCut: boolean
  readonly status: ShownStatus
  /** What the server refused, until it is dismissed. */
  readonly rejected: readonly DismissibleRejection[]
  readonly problem: string | null
  readonly happenings: readonly Happening[]
  /** Takes the title; calls `restore` if it could not be kept. */
  readonly onAdd: (title: string, restore: () => void) => void
  readonly onToggle: (id: string, done: boolean) => void
  readonly onCut: (isCut: boolean) => void
}

/** What one client shows. Its places are there before there are rows: nothing on the page moves. */
export function PaneView(props: PaneViewProps) {
  const { name, placeholder, todos, moreCount, waiting, isCut, status, rejected, problem, happenings } = props
  const { onAdd, onToggle, onCut } = props

  const handleKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return
    const field = event.currentTarget
    const title = trimmed(field.value)
    if (title === "") return
    field.value = ""
    onAdd(title, () => {
      if (field.value === "") field.value = title
    })
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
        dir="auto"
        autoComplete="off"
        enterKeyHint="done"
        maxLength={titleLengthMax}
        onKeyDown={handleKeyDown}
      />
      <div className="pane-body">
        <ul className="pane-rows" aria-label={`Todos on ${name.toLowerCase()}`}>
          {todos.map((todo) => (
            <Row key={todo.id} todo={todo} isWaiting={waiting.has(todo.id)} onToggle={onToggle} />
          ))}
        </ul>
        <p className="pane-more">{moreCount > 0 && `and ${moreCount} more`}</p>
        <div className="pane-problem" role="alert">
          {problem !== null && <p>{problem}</p>}
          <RejectedNotice rejected={rejected} />
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <ol className="pane-log" tabIndex={0} aria-label={`What happened on ${name.toLowerCase()}`}>
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
        <span className="pane-title" dir="auto">
          {todo.title}
        </span>
      </label>
      <span className="waits" data-waits={isWaiting}>
        {isWaiting && "waits"}
      </span>
    </li>
  )
}
