"use client"

import { useMutation, useQuery, useQueryRuns, useSyncStatus } from "@lf/react"
import { useEffect, useMemo, useRef, useState } from "react"
import { RenameOne, ReprioritizeOne, rowCount } from "./lf/mutators"
import { areTasks, useTwins } from "./result-columns"
import { type ResultRow, ResultView } from "./result-view"
import { useRunLog } from "./use-run-log"

const none: readonly ResultRow[] = []
/** The rows of the result that are on the screen at first. */
const seenMax = 10

/** The live query of the box: its rows, what it took, and why it ran. */
export function QueryResult({ ran }: { ran: { readonly sql: string } }) {
  const { sql } = ran
  const query = useMemo(() => ({ sql, parameters: [] }), [sql])
  // Above the rows, to see the first run.
  const runs = useQueryRuns(query)
  const { data, error, refetch } = useQuery<ResultRow>(query)
  useRunAgain(ran, refetch)
  const { firstSync } = useSyncStatus()
  // The former rows stay until there are others.
  const [kept, setKept] = useState({ sql: "", rows: none })
  if (data !== undefined && (data !== kept.rows || sql !== kept.sql)) setKept({ sql, rows: data })
  const twins = useTwins(sql, data)
  const log = useRunLog(sql, runs, error)
  const { rows } = kept

  const rename = useMutation(RenameOne)
  const reprioritize = useMutation(ReprioritizeOne)
  const renameOne = (id: number) => rename.mutate({ id, title: random(1_000_000) })
  const seenIds = areTasks(sql) ? rows.slice(0, seenMax).flatMap(({ id }) => (typeof id === "number" ? [id] : [])) : []
  return (
    <ResultView
      rows={rows}
      isFetching={firstSync !== null}
      twins={twins}
      isOld={kept.sql !== sql || error !== null}
      error={error}
      runs={runs}
      log={log}
      editError={rename.error ?? reprioritize.error}
      onRename={() => renameOne(1 + random(rowCount))}
      onReprioritize={() => reprioritize.mutate({ id: 1 + random(rowCount) })}
      onRenameSeen={seenIds.length === 0 ? undefined : () => renameOne(seenIds[random(seenIds.length)] ?? 1)}
    />
  )
}

/** Runs the query again where Run is pressed and it is the same: a new one runs by itself. */
function useRunAgain(ran: { readonly sql: string }, refetch: () => unknown): void {
  const before = useRef(ran)
  useEffect(() => {
    if (before.current !== ran && before.current.sql === ran.sql) void refetch()
    before.current = ran
  }, [ran, refetch])
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
