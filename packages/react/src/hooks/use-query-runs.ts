"use client"
import type { Query } from "@lf/core"
import { compileQuery, queryKey } from "@lf/core/internal"
import { useEffect, useRef, useState } from "react"
import type { QueryRuns } from "../rpc/query-runs.ts"
import { useDocumentHandle } from "./document-handle.ts"

/**
 * How a live query runs on this device: its milliseconds, the pages that it read, and why it ran last, also in production. The
 * rows are `useQuery`'s; without a reader nothing runs, and this is null, as it is before the first run. Called above the
 * `useQuery` of the same query it sees the first run, below it begins with `unseen`. Queries with `docs` or `own` have none.
 * It costs a message of the worker's for each change of the document.
 *
 * @example
 * const todosQuery = sql<Todo>`select * from todos`
 * const runs = useQueryRuns(todosQuery)
 * const todos = useQuery(todosQuery)
 * // runs: { runs: 2, ms: 0.3, pagesRead: 4, skipped: 7, reason: { type: "changed", mutation: "AddTodo", sources: […] }, … }
 */
export function useQueryRuns(query: Query<unknown>): QueryRuns | null {
  const handle = useDocumentHandle("useQueryRuns")
  const compiled = compileQuery(query)
  const key = queryKey(compiled)
  const latest = useRef(compiled)
  const [shown, setShown] = useState<{ readonly key: string; readonly runs: QueryRuns } | null>(null)
  useEffect(() => {
    latest.current = compiled
  })
  useEffect(() => handle.live.runs.watch(latest.current, (runs) => setShown({ key, runs })), [handle, key])
  return shown?.key === key ? shown.runs : null
}
