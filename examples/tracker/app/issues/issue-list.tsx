"use client"

import { type PresenceOf, useQuery } from "@lf/react"
import { memo, useEffect, useRef, useState } from "react"
import { buttonIdOf, isFocusLost } from "./focus"
import { useHeldOrder } from "./held-order"
import { PriorityMark, StatusMark } from "./icons"
import { type Filter, type IssueRow, issuesOf, shownMeanwhile } from "./queries"
import type { Here } from "./tracker"
import { useArrival } from "./use-arrival"
import { useKeys } from "./use-keys"
import { sayError } from "./words"

const PART = 100
const none: readonly IssueRow[] = []

interface IssueListProps {
  readonly filter: Filter
  readonly user: string
  /** How many there are; undefined while it is not known. */
  readonly total: number | undefined
  readonly open: string | null
  readonly unread: ReadonlySet<string>
  readonly others: readonly PresenceOf<Here>[]
  readonly onOpen: (id: string) => void
  readonly onStep: (id: string) => void
}

/**
 * Those that were changed last come first, and stay where they are while the user reads. The arrow keys, or j and k, go
 * through them; what they reach is opened.
 */
export function IssueList({ filter, user, open, unread, others, total = 0, onOpen, onStep }: IssueListProps) {
  const [limit, setLimit] = useState(PART)
  const list = useRef<HTMLUListElement>(null)
  const query = useQuery(issuesOf(filter, limit), shownMeanwhile)
  const { isFirst } = useArrival()
  const issues = query.data ?? none
  const isBusy = query.isPending || query.isPlaceholderData
  const { kept, fresh, moved, renew } = useHeldOrder(issues, query.isPlaceholderData ? null : JSON.stringify(filter))
  const focus = useRowFocus(kept, query.isPlaceholderData)
  // The user has just made it.
  if (fresh.some(({ id }) => id === open)) renew(issues)

  const step = (by: number) => {
    const at = kept.findIndex(({ id }) => id === open)
    const next = kept[at === -1 ? 0 : at + by]
    if (next === undefined) return
    onStep(next.id)
    document.getElementById(buttonIdOf(next.id))?.focus()
  }
  const down = () => step(1)
  const up = () => step(-1)
  useKeys({ j: down, ArrowDown: down, k: up, ArrowUp: up })

  // A new issue's row comes after its opening.
  const isShown = kept.some(({ id }) => id === open)
  useEffect(() => {
    if (open !== null && isShown) list.current?.querySelector(`[aria-current]`)?.scrollIntoView({ block: "nearest" })
  }, [open, isShown])

  if (query.error !== null) return <p role="alert">{sayError(query.error)}</p>
  if (query.isSuccess && issues.length === 0) return !isFirst && <p className="quiet empty">No issue is like that.</p>
  return (
    <>
      <OrderBar
        // What a user does is no news to that user.
        updated={moved.filter(({ changer }) => changer !== user).length}
        onRenew={() => {
          renew(issues)
          focus.next(0)
        }}
      />
      <ul ref={list} className="issue-list" aria-label="Issues" aria-busy={isBusy} {...focus.watch}>
        {kept.map((issue) => (
          <Row
            key={issue.id}
            issue={issue}
            isOpen={issue.id === open}
            isUnread={unread.has(issue.id)}
            readers={readersOf(issue, others)}
            onOpen={onOpen}
          />
        ))}
      </ul>
      {total > issues.length && issues.length % PART === 0 && (
        <button
          type="button"
          className="more"
          onClick={() => {
            setLimit(limit + PART)
            focus.next(kept.length)
          }}
        >
          Show more
        </button>
      )}
    </>
  )
}

const readersOf = ({ id }: IssueRow, others: IssueListProps["others"]) =>
  others.flatMap(({ value }) => (value.issue === id ? [value.name] : [])).join(", ")

function OrderBar({ updated, onRenew }: { updated: number; onRenew: () => void }) {
  return (
    <div className="order">
      <span>Last changed first</span>
      {updated > 0 && (
        <button type="button" title="Bring them to the top" onClick={onRenew}>
          {updated.toLocaleString("en")} updated
        </button>
      )}
    </div>
  )
}

/** The focus goes to the row that a control brought, and to the next row from one that vanishes. */
function useRowFocus(rows: readonly IssueRow[], isWaiting: boolean) {
  const focused = useRef<{ readonly id: string; readonly at: number } | null>(null)
  const next = useRef<number | null>(null)
  useEffect(() => {
    if (isWaiting) return
    const { current } = focused
    const isGone = current !== null && isFocusLost() && !rows.some(({ id }) => id === current.id)
    const at = next.current ?? (isGone ? Math.min(current.at, rows.length - 1) : null)
    if (at === null) return
    next.current = null
    document.getElementById(buttonIdOf(rows[at]?.id ?? ""))?.focus()
  })
  const watch = {
    onFocus: ({ target }: { target: Element }) => {
      const at = rows.findIndex(({ id }) => buttonIdOf(id) === target.id)
      focused.current = at === -1 ? null : { id: rows[at]?.id ?? "", at }
    },
    onBlur: ({ target }: { target: Element }) => {
      // Not that of a row which is removed.
      if (target.isConnected) focused.current = null
    },
  }
  const goNext = (at: number) => {
    next.current = at
  }
  return { watch, next: goNext }
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
