"use client"

import { type PresenceOf, useQuery } from "@lf/react"
import { memo, useEffect, useRef, useState } from "react"
import { buttonIdOf } from "./focus"
import { PriorityMark, StatusMark } from "./icons"
import { type Filter, type IssueRow, issuesOf } from "./queries"
import type { Here } from "./tracker"
import { useArrival } from "./use-arrival"
import { useKeys } from "./use-keys"
import { sayError } from "./words"

const PART = 100
const none: readonly IssueRow[] = []

interface IssueListProps {
  readonly filter: Filter
  readonly open: string | null
  readonly unread: ReadonlySet<string>
  readonly others: readonly PresenceOf<Here>[]
  readonly onOpen: (id: string) => void
  readonly onStep: (id: string) => void
}

/** The newest first. The arrow keys, or j and k, go through it; what they reach is opened. */
export function IssueList({ filter, open, unread, others, onOpen, onStep }: IssueListProps) {
  const [limit, setLimit] = useState(PART)
  const list = useRef<HTMLUListElement>(null)
  const query = useQuery(issuesOf(filter, limit))
  const { isFirst } = useArrival()
  const issues = query.data ?? none

  const step = (by: number) => {
    const at = issues.findIndex(({ id }) => id === open)
    const next = issues[at === -1 ? 0 : at + by]
    if (next === undefined) return
    onStep(next.id)
    document.getElementById(buttonIdOf(next.id))?.focus()
  }
  const down = () => step(1)
  const up = () => step(-1)
  useKeys({ j: down, ArrowDown: down, k: up, ArrowUp: up })

  useEffect(() => {
    if (open !== null) list.current?.querySelector(`[aria-current]`)?.scrollIntoView({ block: "nearest" })
  }, [open])

  if (query.error !== null) return <p role="alert">{sayError(query.error)}</p>
  if (query.isSuccess && issues.length === 0) return !isFirst && <p className="quiet empty">No issue is like that.</p>
  return (
    <>
      <ul ref={list} className="issue-list" aria-label="Issues" aria-busy={query.isPending}>
        {issues.map((issue) => (
          <Row
            key={issue.id}
            issue={issue}
            isOpen={issue.id === open}
            isUnread={unread.has(issue.id)}
            readers={others
              .filter(({ value }) => value.issue === issue.id)
              .map(({ value }) => value.name)
              .join(", ")}
            onOpen={onOpen}
          />
        ))}
      </ul>
      {issues.length === limit && (
        <button type="button" className="more" onClick={() => setLimit(limit + PART)}>
          Show more
        </button>
      )}
    </>
  )
}

interface RowProps {
  readonly issue: IssueRow
  readonly isOpen: boolean
  readonly isUnread: boolean
  /** Who else has it open. */
  readonly readers: string
  readonly onOpen: (id: string) => void
}

export const UnreadDot = () => (
  <span className="unread" role="img" aria-label="Unread" title="Changed since you saw it" />
)

/** lf keeps the object of a row that did not change, so `memo` renders exactly the rows that did. */
const Row = memo(function Row({ issue, isOpen, isUnread, readers, onOpen }: RowProps) {
  return (
    <li>
      <button
        id={buttonIdOf(issue.id)}
        type="button"
        className="issue-row"
        aria-current={isOpen || undefined}
        onClick={() => onOpen(issue.id)}
      >
        <PriorityMark priority={issue.priority} />
        <span className="number">{issue.n}</span>
        {isUnread && <UnreadDot />}
        <span className="title" dir="auto">
          {issue.title}
        </span>
        {issue.labels?.split(" ").map((label) => (
          <span key={label} className={`label ${label}`}>
            {label}
          </span>
        ))}
        {readers !== "" && (
          <span className="reader" dir="auto">
            {readers}
          </span>
        )}
        <span className="assignee" dir="auto">
          {issue.assignee}
        </span>
        <StatusMark status={issue.status} />
      </button>
    </li>
  )
})
