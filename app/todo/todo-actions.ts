"use client"

import { newId, useMutation } from "@lf/react"
import { useMemo } from "react"
import { AddTodo, ClearCompleted, DeleteTodo, RenameTodo, ToggleAll, ToggleTodo } from "../lf/mutators"

export interface TodoActions {
  readonly add: (title: string, restore: () => void) => void
  readonly toggle: (id: string, done: boolean) => void
  readonly rename: (id: string, title: string) => void
  readonly remove: (id: string) => void
  readonly toggleAll: (done: boolean) => void
  readonly clearCompleted: () => void
}

/** The list's mutations, one object for the page's life (a row is only rendered again when its todo changes), and what failed last. */
export function useTodoActions(): { actions: TodoActions; error: Error | null } {
  const add = useMutation(AddTodo)
  const toggle = useMutation(ToggleTodo)
  const rename = useMutation(RenameTodo)
  const remove = useMutation(DeleteTodo)
  const toggleAll = useMutation(ToggleAll)
  const clearCompleted = useMutation(ClearCompleted)

  const actions = useMemo<TodoActions>(
    () => ({
      add: (title, restore) => add.mutate({ id: newId(), title }, { onError: restore }),
      toggle: (id, done) => toggle.mutate({ id, done }),
      rename: (id, title) => rename.mutate({ id, title }),
      remove: (id) => remove.mutate({ id }),
      toggleAll: (done) => toggleAll.mutate({ done }),
      clearCompleted: () => clearCompleted.mutate({}),
    }),
    [add.mutate, toggle.mutate, rename.mutate, remove.mutate, toggleAll.mutate, clearCompleted.mutate],
  )
  const failed = [add, toggle, rename, remove, toggleAll, clearCompleted].find((mutation) => mutation.error !== null)
  return { actions, error: failed?.error ?? null }
}
