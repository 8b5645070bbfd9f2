"use client"

import { type LfError, newId, useMutation } from "@lf/react"
import { useMemo, useState } from "react"
import { AddTodo, ClearCompleted, DeleteTodo, RenameList, RenameTodo, ToggleAll, ToggleTodo } from "../lf/mutators"

export interface TodoActions {
  readonly add: (title: string, restore: () => void) => void
  readonly toggle: (id: string, done: boolean) => void
  readonly rename: (id: string, title: string) => void
  readonly remove: (id: string) => void
  readonly toggleAll: (done: boolean) => void
  readonly clearCompleted: () => void
  readonly nameList: (name: string) => void
}

/** The list's mutations, one object while the page is mounted (so that only changed rows render), and the last error. */
export function useTodoActions(): { actions: TodoActions; error: LfError | null; dismiss: () => void } {
  const [error, setError] = useState<LfError | null>(null)
  // The next mutation that succeeds clears the error.
  const dismiss = () => setError(null)
  const options = { onError: setError, onSuccess: dismiss }
  const add = useMutation(AddTodo, options)
  const toggle = useMutation(ToggleTodo, options)
  const rename = useMutation(RenameTodo, options)
  const remove = useMutation(DeleteTodo, options)
  const toggleAll = useMutation(ToggleAll, options)
  const clearCompleted = useMutation(ClearCompleted, options)
  const nameList = useMutation(RenameList, options)

  const actions = useMemo<TodoActions>(
    () => ({
      add: (title, restore) => add.mutate({ id: newId(), title }, { onError: restore }),
      toggle: (id, done) => toggle.mutate({ id, done }),
      rename: (id, title) => rename.mutate({ id, title }),
      remove: (id) => remove.mutate({ id }),
      toggleAll: (done) => toggleAll.mutate({ done }),
      clearCompleted: () => clearCompleted.mutate({}),
      nameList: (name) => nameList.mutate({ name }),
    }),
    [add.mutate, toggle.mutate, rename.mutate, remove.mutate, toggleAll.mutate, clearCompleted.mutate, nameList.mutate],
  )
  return { actions, error, dismiss }
}
