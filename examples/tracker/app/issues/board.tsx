"use client"

import { useQuery } from "@lf/react"
import { memo, useEffect, useRef, useState } from "react"
import { type Status, statuses, statusNames } from "../lf/values"
import { type Dragged, watchDrags } from "./card-drag"
import { buttonIdOf, UnreadDot } from "./issue-list"
import { type Filter, type IssueRow, issuesOf } from "./queries"

const CARDS = 50
const none: readonly IssueRow[] = []

interface BoardProps {
  readonly filter: Filter
  readonly counts: readonly { readonly status: Status; readonly count: number }[]
  readonly open: string | null
  readonly unread: ReadonlySet<string>
  readonly onOpen: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

/** A column for each status. A card is dragged to another one by mouse or a finger that rests, or moved by the keys < and >. */
export function Board({ filter, counts, ...props }: BoardProps) {
  const shown = filter.status === null ? statuses : [filter.status]
  const board = useRef<HTMLDivElement>(null)
  const [dragged, setDragged] = useState<Dragged | null>(null)
  const { onMove } = props
  useEffect(() => {
    if (board.current === null) return
    return watchDrags(board.current, {
      onDrag: setDragged,
      onDrop: (id, column) => onMove(id, column as Status), // the column's, below
    })
  }, [onMove])
  return (
    <div ref={board} className="board">
      {shown.map((status) => (
        <Column
          key={status}
          status={status}
          filter={filter}
          count={counts.find((one) => one.status === status)?.count ?? 0}
          dragged={dragged}
          {...props}
        />
      ))}
    </div>
  )
}

type ColumnProps = Omit<BoardProps, "counts"> & {
  readonly status: Status
  readonly count: number
  readonly dragged: Dragged | null
}

function Column({ status, filter, count, dragged, open, unread, onOpen, onMove }: ColumnProps) {
  const issues = useQuery(issuesOf({ ...filter, status }, CARDS)).data ?? none
  return (
    <section
      className={dragged?.column === status ? "column over" : "column"}
      data-column={status}
      aria-label={statusNames[status]}
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
            isDragged={issue.id === dragged?.card}
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
  readonly isDragged: boolean
  readonly onOpen: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

const Card = memo(function Card({ issue, isOpen, isUnread, isDragged, onOpen, onMove }: CardProps) {
  const moveBy = (by: number) => {
    const next = statuses[statuses.indexOf(issue.status) + by]
    if (next !== undefined) onMove(issue.id, next)
  }
  return (
    <li>
      <button
        id={buttonIdOf(issue.id)}
        type="button"
        className={isDragged ? "card dragged" : "card"}
        data-card={issue.id}
        aria-current={isOpen || undefined}
        aria-keyshortcuts="< >"
        onClick={() => onOpen(issue.id)}
        onKeyDown={(event) => {
          if (event.key === "<" || event.key === ">") moveBy(event.key === ">" ? 1 : -1)
        }}
      >
        <span className="title">
          {isUnread && <UnreadDot />}
          {issue.title}
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
