"use client"

import { sql, useField, useQuery, useSyncStatus } from "@lf/react"
import { useEffect, useMemo } from "react"
import { Notices } from "../chrome/notices"
import { useSettledStatus } from "../chrome/use-settled-status"
import type { Todo } from "../lf/mutators"
import { changeList, useLists } from "../lists/list-store"
import { useTodoActions } from "./todo-actions"
import { TodoCard } from "./todo-card"
import { TodoFooter } from "./todo-footer"
import { TodoList } from "./todo-list"
import { type Filter, useHashFilter } from "./use-hash-filter"

const allTodos = sql<Todo>`select id, title, done, created_at from todos order by created_at, id`
const none: readonly Todo[] = []

export function TodoApp({ id }: { id: string }) {
  const query = useQuery(allTodos)
  const { actions, error, dismiss } = useTodoActions()
  const filter = useHashFilter()
  const todos: readonly Todo[] = query.data ?? none
  const shown = useMemo(() => filterTodos(todos, filter), [todos, filter])
  const activeCount = useMemo(() => filterTodos(todos, "active").length, [todos])
  useHint(id, todos)
  useTitle(id, query.isSuccess ? activeCount : null)

  return (
    <>
      <TodoCard isBusy={query.isPending} onAdd={actions.add}>
        {todos.length === 0 && <FirstSync />}
        {todos.length > 0 && (
          <>
            <section className="main">
              <ToggleAll areAllDone={activeCount === 0} onToggle={actions.toggleAll} />
              <TodoList todos={shown} actions={actions} />
            </section>
            <TodoFooter
              activeCount={activeCount}
              completedCount={todos.length - activeCount}
              filter={filter}
              onClear={actions.clearCompleted}
            />
          </>
        )}
      </TodoCard>
      {query.isSuccess && <Info isEmpty={todos.length === 0} />}
      <Notices problem={error ?? query.error} onDismiss={dismiss} />
    </>
  )
}

function filterTodos(todos: readonly Todo[], filter: Filter): readonly Todo[] {
  if (filter === "all") return todos
  const done = filter === "completed" ? 1 : 0
  return todos.filter((todo) => todo.done === done)
}

function ToggleAll({ areAllDone, onToggle }: { areAllDone: boolean; onToggle: (done: boolean) => void }) {
  const { checkbox } = useField(areAllDone, onToggle)
  return (
    <>
      <input id="toggle-all" className="toggle-all" type="checkbox" aria-label="Mark all as complete" {...checkbox} />
      <label htmlFor="toggle-all" aria-hidden="true">
        Mark all as complete
      </label>
    </>
  )
}

/** A shared link opened for the first time: the list is on its way. Appears only when that takes a moment. */
function FirstSync() {
  const { firstSync } = useSyncStatus()
  if (firstSync === null) return null
  const { bytes, bytesTotal } = firstSync
  return (
    <p className="first-sync" role="status">
      Fetching the list…
      <progress value={bytes} max={bytesTotal || 1} aria-label="Fetched" />
    </p>
  )
}

function Info({ isEmpty }: { isEmpty: boolean }) {
  const { isDurable, isUpToDate } = useSyncStatus()
  const status = useSettledStatus()
  // A list that is about to arrive would push it down the page.
  const isQuiet = isUpToDate || (status !== "opening" && status !== "connected")
  if (isEmpty && !isQuiet) return null
  return (
    <footer className="info">
      <p>
        <span className="by-mouse">Double-click</span>
        <span className="by-touch">Double-tap</span> to edit a todo. Works offline; anyone with the link shares the
        list.
      </p>
      {!isDurable && (
        <p data-testid="not-durable">
          This browser keeps nothing on this device: what is not sent yet is gone when its windows are closed.
        </p>
      )}
    </footer>
  )
}

/** The index of lists shows how a list begins, for those that have no name. */
function useHint(id: string, todos: readonly Todo[]): void {
  const hint = todos
    .slice(0, 3)
    .map((todo) => todo.title)
    .join(", ")
    .slice(0, 80)
  useEffect(() => {
    if (hint !== "") changeList(id, { hint })
  }, [id, hint])
}

/** The window is named after the list and its open items. `activeCount`: null while it is not known. */
function useTitle(id: string, activeCount: number | null): void {
  const name = useLists().find((list) => list.id === id)?.name || "todos"
  useEffect(() => {
    document.title = activeCount === null ? name : `${name} (${activeCount} left)`
  }, [name, activeCount])
}
