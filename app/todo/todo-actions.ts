"use client"

import { type LfError, newId, useMutation } from "@lf/react"
import { useCallback, useMemo, useState } from "react"
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

/** A mutation that could not be kept on this device. */
export interface Trouble {
  readonly name: string
  readonly args: unknown
  readonly error: LfError
}

/** The list's mutations, one object while the page is mounted (so that only changed rows render), and the last trouble. */
export function useTodoActions(): { actions: TodoActions; trouble: Trouble | null; dismiss: () => void } {
  const [trouble, setTrouble] = useState<Trouble | null>(null)
  // The next mutation that succeeds clears it.
  const dismiss = useCallback(() => setTrouble(null), [])
  const optionsOf = ({ name }: { readonly name: string }) => ({
    onError: (error: LfError, args: unknown) => setTrouble({ name, args, error }),
    onSuccess: dismiss,
  })
  const add = useMutation(AddTodo, optionsOf(AddTodo))
  const toggle = useMutation(ToggleTodo, optionsOf(ToggleTodo))
  const rename = useMutation(RenameTodo, optionsOf(RenameTodo))
  const remove = useMutation(DeleteTodo, optionsOf(DeleteTodo))
  const toggleAll = useMutation(ToggleAll, optionsOf(ToggleAll))
  const clearCompleted = useMutation(ClearCompleted, optionsOf(ClearCompleted))
  const nameList = useMutation(RenameList, optionsOf(RenameList))

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
  return { actions, trouble, dismiss }
}
