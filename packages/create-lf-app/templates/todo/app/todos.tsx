"use client"

import type { QueryRows } from "@lf/core"
import {
  newId,
  sql,
  useConnectionStatus,
  useField,
  useMutation,
  useQuery,
  useRejectedMutations,
  useSyncStatus,
} from "@lf/react"
import type { ReactNode, SubmitEvent } from "react"
import { AddTodo, DeleteTodo, RenameTodo, ToggleTodo } from "./lf/todo-mutations"
import "./todos.css"

interface TodoListProps {
  readonly title?: string
  readonly isReadOnly?: boolean
  readonly status?: ReactNode
  /** Below the list. */
  readonly children?: ReactNode
}

/** The list of the surrounding provider's document. */
export function TodoList({ title, isReadOnly = false, status = <Status />, children }: TodoListProps) {
  return (
    <Frame title={title} status={status}>
      <fieldset disabled={isReadOnly}>
        <NewTodo />
        <List />
      </fieldset>
      <Rejected />
      {children}
    </Frame>
  )
}

/** What stands here until the address is known: the same places, so that nothing moves. */
export function EmptyList({ title }: { title?: string }) {
  return (
    <Frame title={title} status={<p className="status">connecting</p>}>
      <form aria-busy>
        <input disabled aria-hidden />
      </form>
    </Frame>
  )
}

function Frame({ title = "Todos", status, children }: { title?: string; status: ReactNode; children: ReactNode }) {
  return (
    <main className="lf-todos">
      <header>
        <h1>{title}</h1>
        {status}
      </header>
      {children}
    </main>
  )
}

function NewTodo() {
  const add = useMutation(AddTodo)

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const title = String(new FormData(event.currentTarget).get("title")).trim()
    if (title === "") return
    add.mutate({ id: newId(), title })
    event.currentTarget.reset()
  }

  // "dialog": Enter before hydration does nothing, instead of leaving the page.
  return (
    <form method="dialog" onSubmit={submit}>
      <input
        name="title"
        aria-label="New todo"
        placeholder="What needs to be done?"
        maxLength={200}
        autoComplete="off"
      />
    </form>
  )
}

// Runs in this browser, also offline, and again whenever a row that it read has changed. `lf types` has made the type of its
// rows from the table, in lf-types.d.ts.
export const allTodos = sql<"allTodos">`select id, title, done from todos order by created_at, id`

function List() {
  const todos = useQuery(allTodos)
  return (
    <>
      {todos.error && <p role="alert">{todos.error.message}</p>}
      <ul aria-busy={todos.isPending}>
        {todos.data?.map((todo) => (
          <Item key={todo.id} todo={todo} />
        ))}
      </ul>
    </>
  )
}

/** useField: an edit shows at once, and stays while its row is on the way from the worker. */
function Item({ todo }: { todo: QueryRows["allTodos"] }) {
  const toggle = useMutation(ToggleTodo)
  const rename = useMutation(RenameTodo)
  const remove = useMutation(DeleteTodo)
  const done = useField(todo.done, (done) => toggle.mutate({ id: todo.id, done: done === 1 }))
  const title = useField(todo.title, (title) => rename.mutate({ id: todo.id, title }))
  return (
    <li data-testid="todo-item">
      <label>
        <input type="checkbox" {...done.checkbox} />
        <span data-testid="todo-title">{todo.title}</span>
      </label>
      <input {...title.input} aria-label="Title" aria-invalid={title.error !== null} maxLength={200} />
      <button type="button" aria-label={`Delete ${todo.title}`} onClick={() => remove.mutate({ id: todo.id })}>
        ×
      </button>
    </li>
  )
}

/** Writes do not wait for the server: shows how many are on the way. */
function Status() {
  const { status } = useConnectionStatus()
  const { pending } = useSyncStatus()
  return (
    <p className="status">
      <span data-testid="connection-status" data-status={status} role="status">
        {status}
      </span>
      <span>
        <span data-testid="pending-count">{pending}</span> unsent
      </span>
    </p>
  )
}

/** What the server refused, and took back here, until the user has read it. */
function Rejected() {
  const rejected = useRejectedMutations()
  return rejected.map((mutation) => (
    <p key={mutation.uid} role="alert">
      The server refused {mutation.name} ({mutation.code}).
      <button type="button" onClick={mutation.dismiss}>
        OK
      </button>
    </p>
  ))
}
