"use client"

import { sql, useField, usePendingMutations, useQuery, useRejectedMutations, useSyncStatus } from "@lf/react"
import { useEffect, useMemo } from "react"
import { Notices } from "../chrome/notices"
import { Toolbar } from "../chrome/toolbar"
import type { Todo } from "../lf/mutators"
import { changeList } from "../lists/list-store"
import { Empty } from "./empty"
import { KeepButton } from "./keep-button"
import { listHint } from "./list-hint"
import { reportsOf } from "./reports"
import { useTodoActions } from "./todo-actions"
import { TodoCard } from "./todo-card"
import { TodoFooter } from "./todo-footer"
import { TodoHint } from "./todo-hint"
import { isVirtual, TodoList } from "./todo-list"
import { type Filter, useHashFilter } from "./use-hash-filter"
import { useLostTexts } from "./use-lost-texts"
import { waitingIds } from "./waiting-ids"

const allTodos = sql<Todo>`select id, title, done, created_at from todos order by created_at, id`
const listName = sql<{ name: string }>`select name from list`
const none: readonly Todo[] = []

export function TodoApp({ id }: { id: string }) {
  const query = useQuery(allTodos)
  const name = useQuery(listName).data?.[0]?.name ?? ""
  const { actions: plainActions, trouble, dismiss } = useTodoActions()
  const rejected = useRejectedMutations()
  const filter = useHashFilter()
  const todos: readonly Todo[] = query.data ?? none
  const { lost, forget, keepingActions: actions } = useLostTexts(plainActions, todos)
  const shown = useMemo(() => filterTodos(todos, filter), [todos, filter])
  const activeCount = useMemo(() => filterTodos(todos, "active").length, [todos])
  const pending = usePendingMutations()
  const waiting = useMemo(() => waitingIds(pending, todos), [pending, todos])
  const reports = useMemo(() => {
    // Of a long list not every row is in the page.
    const shownIds = new Set(isVirtual(shown) ? [] : shown.map((todo) => todo.id))
    return reportsOf({ rejected, trouble, onDismiss: dismiss, shownIds })
  }, [rejected, trouble, dismiss, shown])
  useIndex(id, name, todos, query.isSuccess)
  useTitle(name, query.isSuccess ? activeCount : null)

  return (
    <>
      <Toolbar name={name} onRename={actions.nameList} report={reports.ofName} />
      <TodoCard isBusy={query.isPending} onAdd={actions.add} report={reports.ofNew}>
        {todos.length === 0 && <FirstSync />}
        {todos.length === 0 && query.isSuccess && <Empty id={id} />}
        {todos.length > 0 && (
          <>
            <section className="main">
              <ToggleAll areAllDone={activeCount === 0} onToggle={actions.toggleAll} />
              <TodoList todos={shown} waiting={waiting} reports={reports.ofRows} actions={actions} />
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
      <Info />
      <Notices
        rejected={reports.rejected}
        lost={lost}
        onForget={forget}
        problem={reports.error ?? query.error}
        saidCode={reports.saidCode}
        onDismiss={dismiss}
      />
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

function Info() {
  const { isDurable } = useSyncStatus()
  return (
    <TodoHint>
      {!isDurable && (
        <p data-testid="not-durable">
          This browser keeps nothing on this device: what is not sent yet is gone when its windows are closed.
        </p>
      )}
      <KeepButton />
    </TodoHint>
  )
}

/** What the index of lists shows of this one. */
function useIndex(id: string, name: string, todos: readonly Todo[], isKnown: boolean): void {
  const hint = listHint(todos)
  const left = filterTodos(todos, "active").length
  const isUnsent = useSyncStatus().pending > 0
  useEffect(() => {
    if (isKnown) changeList(id, { name, hint, left, total: todos.length, isUnsent })
  }, [id, isKnown, name, hint, left, todos.length, isUnsent])
}

/** The window is named after the list and its open items. `activeCount`: null while it is not known. */
function useTitle(name: string, activeCount: number | null): void {
  const shown = name || "todos"
  useEffect(() => {
    const title = activeCount === null ? shown : `${shown} (${activeCount} left)`
    // Setting it costs a browser milliseconds, also when it stays the same.
    if (document.title !== title) document.title = title
  }, [shown, activeCount])
}
