"use client"

import { useMutation, useQuery, useQueryRuns } from "@lf/react"
import { useMemo, useState } from "react"
import { RenameOne, ReprioritizeOne, rowCount } from "./lf/mutators"
import { type ResultRow, ResultView } from "./result-view"
import { useRunLog } from "./use-run-log"

const none: readonly ResultRow[] = []
/** The rows of the result that are on the screen at first. */
const seenMax = 10

/** The live query of the box: its rows, what it took, and why it ran. */
export function QueryResult({ sql }: { sql: string }) {
  const query = useMemo(() => ({ sql, parameters: [] }), [sql])
  // Above the rows, to see the first run.
  const runs = useQueryRuns(query)
  const { data, error } = useQuery<ResultRow>(query)
  // The former rows stay until there are others.
  const [kept, setKept] = useState({ sql: "", rows: none })
  if (data !== undefined && (data !== kept.rows || sql !== kept.sql)) setKept({ sql, rows: data })
  const log = useRunLog(sql, runs)
  const { rows } = kept

  const rename = useMutation(RenameOne)
  const reprioritize = useMutation(ReprioritizeOne)
  const renameOne = (id: number) => rename.mutate({ id, title: random(1_000_000) })
  const seenIds = rows.slice(0, seenMax).flatMap(({ id }) => (typeof id === "number" ? [id] : []))
  return (
    <ResultView
      rows={rows}
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

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
