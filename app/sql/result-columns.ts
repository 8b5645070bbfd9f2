"use client"

import { useDocument } from "@lf/react"
import { useEffect, useState } from "react"
import type { ResultRow } from "./result-view"

const plainQuery = /^\s*select\s+(?:distinct\s+)?([^()]+?)\s+from\s+tasks(?:\s+(?:where|order|limit)\b|\s*;|\s*$)/i
const otherParts = /\b(?:union|intersect|except)\b|--|\/\*/i

/** Whether the column `id` is surely a task's: only then is what it names the row that is shown. */
export function areTasks(sql: string): boolean {
  const [, list] = plainQuery.exec(sql) ?? []
  if (list === undefined || otherParts.test(sql)) return false
  const columns = list.split(",").map((column) => column.trim().toLowerCase())
  // Another column may be called so: of two with one name the rows have the last.
  const ids = columns.filter((column) => column === "*" || /\bid["\]`]?$/.test(column))
  return ids.length === 1 && ["*", "id", "tasks.id"].includes(ids[0] ?? "")
}

/**
 * The names that several columns of the result have. Rows are objects, which have the last of them: SQLite names the columns
 * of a subquery differently.
 */
export function useTwins(sql: string, rows: readonly ResultRow[] | undefined): readonly string[] {
  const { query } = useDocument()
  const [found, setFound] = useState<{ readonly sql: string; readonly names: readonly string[] }>({ sql, names: [] })
  const [first] = rows ?? []
  const shown = first === undefined ? null : Object.keys(first).join()
  useEffect(() => {
    if (shown === null) return
    let isLatest = true
    query<ResultRow>({ sql: `select * from (${sql.replace(/[\s;]+$/, "")}\n) limit 1`, parameters: [] }).then(
      ([row]) => {
        const all = Object.keys(row ?? {})
        const names = all.filter((name) => all.includes(`${name}:1`) && !shown.split(",").includes(`${name}:1`))
        if (isLatest) setFound({ sql, names })
      },
      // It is no subquery: then nothing is said.
      () => {},
    )
    return () => {
      isLatest = false
    }
  }, [query, sql, shown])
  return found.sql === sql ? found.names : []
}
