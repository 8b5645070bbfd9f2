"use client"

import {
  LfProvider,
  newId,
  sql,
  useConnectionStatus,
  useField,
  useMutation,
  useQuery,
  useRejectedMutations,
  useSyncStatus,
} from "@lf/react"
import type { SubmitEvent } from "react"
import { connectWorker } from "./lf/connect"
import { AddTodo, DeleteTodo, RenameTodo, type Todo, ToggleTodo } from "./lf/mutators"
import "./todos.css"

export function Todos({ list }: { list: string }) {
  return (
    <LfProvider doc={list} worker={connectWorker}>
      <main className="lf-todos">
        <h1>Todos</h1>
        <NewTodo />
        <List />
        <Status />
      </main>
    </LfProvider>
  )
}

/** What stands here until the address is known: the same places, so that nothing moves. */
export function EmptyList() {
  return (
    <main className="lf-todos" aria-busy>
      <h1>Todos</h1>
      <form>
        <input disabled aria-hidden />
      </form>
      <ul />
      <footer>
        <span>connecting</span>
      </footer>
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

function List() {
  // Runs in this browser, also offline, and again whenever a row that it read has changed.
  const todos = useQuery(sql<Todo>`select id, title, done from todos order by created_at, id`)
  const { status, error } = useConnectionStatus()
  // Offline is not an error.
  const problem = todos.error ?? (status === "offline" ? null : error)
  return (
    <>
      {problem && <p role="alert">{problem.message}</p>}
      <ul aria-busy={todos.isPending}>
        {todos.data?.map((todo) => (
          <Item key={todo.id} todo={todo} />
        ))}
      </ul>
    </>
  )
}

/** useField: an edit shows at once, and stays while its row is on the way from the worker. */
function Item({ todo }: { todo: Todo }) {
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

/** Writes do not wait for the server. Shows how many are pending, and each that the server rejected. */
function Status() {
  const { status } = useConnectionStatus()
  const { pending } = useSyncStatus()
  const rejected = useRejectedMutations()
  return (
    <footer>
      <span data-testid="connection-status" data-status={status} role="status">
        {status}
      </span>
      <span>
        <span data-testid="pending-count">{pending}</span> unsent
      </span>
      {rejected.map((mutation) => (
        <p key={mutation.uid} role="alert">
          The server refused {mutation.name} ({mutation.code}).
          <button type="button" onClick={mutation.dismiss}>
            OK
          </button>
        </p>
      ))}
    </footer>
  )
}
