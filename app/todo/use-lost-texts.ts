"use client"

import { useLayoutEffect, useMemo, useRef, useState } from "react"
import type { LostText } from "../chrome/lost-notice"
import type { Todo } from "../lf/mutators"
import type { TodoActions } from "./todo-actions"

/** Keeps a row's new title where the row is there no more, to give it back: a rename would find nothing. */
export function useLostTexts(actions: TodoActions, todos: readonly Todo[]) {
  const [lost, setLost] = useState<readonly LostText[]>([])
  const latest = useRef(todos)
  useLayoutEffect(() => {
    latest.current = todos
  })
  const keepingActions = useMemo<TodoActions>(
    () => ({
      ...actions,
      rename: (id, text) => {
        if (latest.current.some((todo) => todo.id === id)) actions.rename(id, text)
        else setLost((others) => [...others, { id, text }])
      },
    }),
    [actions],
  )
  const forget = (text: LostText) => setLost((texts) => texts.filter((other) => other !== text))
  return { lost, forget, keepingActions }
}
