"use client"

import {
  newId,
  sql,
  useConnectionStatus,
  useDocument,
  useMutation,
  usePendingMutations,
  useQuery,
  useRejectedMutations,
} from "@lf/react"
import { useMemo } from "react"
import { sayError } from "../chrome/error-words"
import { useSettledStatus } from "../chrome/use-settled-status"
import { AddTodo, type Todo, ToggleTodo } from "../lf/mutators"
import { waitingIds } from "../todo/waiting-ids"
import { PaneView } from "./pane-view"
import { useHappenings } from "./use-happenings"

/** As app/page.tsx shows it. */
const todosQuery = sql<Todo>`select * from todos order by created_at desc, id limit 4`
const countQuery = sql<{ count: number }>`select count(*) as count from todos`
const none: readonly Todo[] = []

/** One client of the list. */
export function Pane({ name, placeholder }: { name: string; placeholder: string }) {
  const todos = useQuery(todosQuery)
  const count = useQuery(countQuery).data?.[0]?.count ?? 0
  const add = useMutation(AddTodo)
  const toggle = useMutation(ToggleTodo)
  const pending = usePendingMutations()
  const rejected = useRejectedMutations()
  const { setOnline } = useDocument()
  const { status, isOnlineWanted, error } = useConnectionStatus()
  const settled = useSettledStatus()
  const happenings = useHappenings(rejected)
  const rows = todos.data ?? none
  const waiting = useMemo(() => waitingIds(pending, rows), [pending, rows])
  const problem = add.error ?? toggle.error ?? todos.error ?? (isOnlineWanted && status === "error" ? error : null)
  return (
    <PaneView
      name={name}
      placeholder={placeholder}
      todos={rows}
      moreCount={Math.max(0, count - rows.length)}
      waiting={waiting}
      isCut={!isOnlineWanted}
      status={settled}
      rejected={rejected}
      problem={problem === null ? null : sayError(problem)}
      happenings={happenings}
      onAdd={(title, restore) => add.mutate({ id: newId(), title }, { onError: restore })}
      onToggle={(id, done) => toggle.mutate({ id, done })}
      onCut={(isCut) => setOnline(!isCut)}
    />
  )
}
