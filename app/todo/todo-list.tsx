"use client"

import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual"
import { type ReactNode, useLayoutEffect, useRef, useState } from "react"
import type { Todo } from "../lf/mutators"
import type { TodoActions } from "./todo-actions"
import { TodoItem } from "./todo-item"
import { useIsPrinting } from "./use-is-printing"
import { useRowFocus } from "./use-row-focus"

/** Shorter lists are plain: find-in-page works, and there is nothing to save. */
const plainRowsMax = 100
/** So many are on paper all the same. */
const printedRowsMax = 500
const rowHeightGuess = 61

interface TodoListProps {
  readonly todos: readonly Todo[]
  /** The ids of those with a change that the server does not have. */
  readonly waiting: ReadonlySet<string>
  /** What is to be said of a row, by its id. */
  readonly reports: ReadonlyMap<string, ReactNode>
  readonly actions: TodoActions
}

/** Whether only those rows are in the page that one can see. */
export function isVirtual(todos: readonly Todo[]): boolean {
  return todos.length > plainRowsMax
}

export function TodoList({ todos, waiting, reports, actions }: TodoListProps) {
  const list = useRef<HTMLUListElement>(null)
  const [editingId, setEditingId] = useState<string | null>(null)
  const [listTop, setListTop] = useState(0)
  const isPrinting = useIsPrinting()
  const hasPart = isVirtual(todos) && !(isPrinting && todos.length <= printedRowsMax)
  const { handlers, rowActions } = useRowFocus(list, todos, actions)
  // If the row comes back, it is not edited again: the focus is elsewhere by then.
  if (editingId !== null && todos.every(({ id }) => id !== editingId)) setEditingId(null)

  useLayoutEffect(() => {
    if (list.current) setListTop(list.current.getBoundingClientRect().top + window.scrollY)
  }, [])

  const virtualizer = useWindowVirtualizer({
    count: todos.length,
    // Always on: the first render that needs its window has it, and keeps the rows that are there.
    estimateSize: () => rowHeightGuess,
    getItemKey: (index) => todos[index]?.id ?? index,
    overscan: 10,
    scrollMargin: listTop,
    useFlushSync: false,
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range)
      // The row that is being edited stays, however far one scrolls: its text is in it.
      const editing = editingId === null ? -1 : todos.findIndex((todo) => todo.id === editingId)
      return editing === -1 || indexes.includes(editing) ? indexes : [...indexes, editing].sort((a, b) => a - b)
    },
  })

  const row = (todo: Todo, index: number, top?: number) => (
    <TodoItem
      key={todo.id}
      todo={todo}
      index={index}
      rowCount={todos.length}
      top={top}
      isEditing={todo.id === editingId}
      isWaiting={waiting.has(todo.id)}
      report={reports.get(todo.id)}
      onEdit={setEditingId}
      actions={rowActions}
      measure={hasPart ? virtualizer.measureElement : undefined}
    />
  )

  return (
    <ul
      ref={list}
      aria-label="Todos"
      className={hasPart ? "todo-list virtual" : "todo-list"}
      style={hasPart ? { height: virtualizer.getTotalSize() } : undefined}
      {...handlers}
    >
      {hasPart
        ? virtualizer.getVirtualItems().map(({ index, start }) => {
            const todo = todos[index]
            return todo && row(todo, index, start - listTop)
          })
        : todos.map((todo, index) => row(todo, index))}
    </ul>
  )
}
