"use client"

import { sql, useConnectionStatus, useQuery, useSyncStatus } from "@lf/react"
import { ConnectionBadge } from "../chrome/connection-badge"
import { sayError } from "../chrome/error-words"
import { type ShownStatus, useSettledStatus } from "../chrome/use-settled-status"
import { peopleCount, rowCount } from "./lf/mutators"
import { numberText } from "./number-text"

/** Of a primary key: it reads a handful of pages, however many rows there are. */
const madeQuery = sql<{ made: number | null }>`select max(id) as made from tasks`

/** How far the document is: fetched by this browser, or still being made by the server. */
export function RowsStatus() {
  const { firstSync, isUpToDate } = useSyncStatus()
  const { error } = useConnectionStatus()
  const status = useSettledStatus()
  const made = useQuery(madeQuery).data?.[0]?.made ?? 0
  if (firstSync !== null) {
    const { bytes, bytesTotal } = firstSync
    return (
      <RowsStatusLine
        status={status}
        text={`Fetching the database: ${mib(bytes)} of ${mib(bytesTotal)} MiB`}
        share={bytes / (bytesTotal || 1)}
      />
    )
  }
  if (made === rowCount)
    return <RowsStatusLine status={status} text={`${numberText(rowCount)} tasks, ${peopleCount} people`} />
  if (error !== null && status !== "connecting") return <RowsStatusLine status={status} text={sayError(error)} />
  if (made === 0 && !isUpToDate) return <RowsStatusLine status={status} text="Opening the database…" />
  return (
    <RowsStatusLine
      status={status}
      text={`Made by the server: ${numberText(made)} of ${numberText(rowCount)} rows`}
      share={made / rowCount}
    />
  )
}

interface RowsStatusLineProps {
  readonly status: ShownStatus
  readonly text: string
  readonly share?: number
}

function RowsStatusLine({ status, text, share }: RowsStatusLineProps) {
  return (
    <div className="sql-status">
      <ConnectionBadge status={status} />
      <span data-testid="rows-status">{text}</span>
      {share !== undefined && <progress value={share} max={1} aria-label="Rows that are here" />}
    </div>
  )
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
