"use client"

import { useQuery } from "@lf/react"
import { type DragEvent, memo, useState } from "react"
import { type Status, statuses, statusNames } from "../lf/values"
import { type Filter, type IssueRow, issuesOf } from "./queries"

const CARDS = 50
const TYPE = "application/x-lf-issue"
const none: readonly IssueRow[] = []

interface BoardProps {
  readonly filter: Filter
  readonly counts: readonly { readonly status: Status; readonly count: number }[]
  readonly open: string | null
  readonly unread: ReadonlySet<string>
  readonly onOpen: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

/** A column for each status. A card is dragged to another one, or moved there by the keys < and >. */
export function Board({ filter, counts, ...props }: BoardProps) {
  const shown = filter.status === null ? statuses : [filter.status]
  return (
    <div className="board">
      {shown.map((status) => (
        <Column
          key={status}
          status={status}
          filter={filter}
          count={counts.find((one) => one.status === status)?.count ?? 0}
          {...props}
        />
      ))}
    </div>
  )
}

type ColumnProps = Omit<BoardProps, "counts"> & { readonly status: Status; readonly count: number }

function Column({ status, filter, count, open, unread, onOpen, onMove }: ColumnProps) {
  const [isOver, setOver] = useState(false)
  const issues = useQuery(issuesOf({ ...filter, status }, CARDS)).data ?? none
  const handleOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(TYPE)) return
    event.preventDefault()
    setOver(true)
  }
  const handleDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onMove(event.dataTransfer.getData(TYPE), status)
  }
  return (
    <section
      className={isOver ? "column over" : "column"}
      aria-label={statusNames[status]}
      onDragOver={handleOver}
      onDragLeave={() => setOver(false)}
      onDrop={handleDrop}
    >
      <h2>
        <span className={`status ${status}`}>{statusNames[status]}</span> {count.toLocaleString("en")}
      </h2>
      <ul>
        {issues.map((issue) => (
          <Card
            key={issue.id}
            issue={issue}
            isOpen={issue.id === open}
            isUnread={unread.has(issue.id)}
            onOpen={onOpen}
            onMove={onMove}
          />
        ))}
      </ul>
      {count > CARDS && <p className="quiet">and {(count - CARDS).toLocaleString("en")} older</p>}
    </section>
  )
}

interface CardProps {
  readonly issue: IssueRow
  readonly isOpen: boolean
  readonly isUnread: boolean
  readonly onOpen: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

const Card = memo(function Card({ issue, isOpen, isUnread, onOpen, onMove }: CardProps) {
  const moveBy = (by: number) => {
    const next = statuses[statuses.indexOf(issue.status) + by]
    if (next !== undefined) onMove(issue.id, next)
  }
  return (
    <li>
      <button
        type="button"
        className="card"
        draggable
        aria-current={isOpen || undefined}
        aria-keyshortcuts="< >"
        onClick={() => onOpen(issue.id)}
        onDragStart={(event) => {
          event.dataTransfer.setData(TYPE, issue.id)
          event.dataTransfer.effectAllowed = "move"
        }}
        onKeyDown={(event) => {
          if (event.key === "<" || event.key === ">") moveBy(event.key === ">" ? 1 : -1)
        }}
      >
        <span className="title">
          {issue.title}
          {isUnread && <span className="unread" role="img" aria-label="New comments" />}
        </span>
        <span className="card-foot">
          <span className={`priority ${issue.priority}`} role="img" aria-label={`Priority ${issue.priority}`} />
          <span className="number">{issue.n}</span>
          <span className="assignee">{issue.assignee}</span>
        </span>
      </button>
    </li>
  )
})
