"use client"

import { useQuery } from "@lf/react"
import { memo, type RefObject, useEffect, useRef, useState } from "react"
import { type Status, statuses, statusNames } from "../lf/values"
import { type Dragged, watchDrags } from "./card-drag"
import { cardBeside } from "./card-steps"
import { buttonIdOf, isFocusLost } from "./focus"
import { useHeldOrder } from "./held-order"
import { PriorityMark, StatusMark } from "./icons"
import { UnreadDot } from "./issue-list"
import { type Filter, type IssueRow, issuesOf, shownMeanwhile } from "./queries"
import { useArrival } from "./use-arrival"
import { useKeys } from "./use-keys"
import { sayError } from "./words"

const CARDS = 50
const none: readonly IssueRow[] = []

type Counts = readonly { readonly status: Status; readonly count: number }[]

interface BoardProps {
  readonly filter: Filter
  /** Undefined while they are not known. */
  readonly counts: Counts | undefined
  readonly open: string | null
  readonly unread: ReadonlySet<string>
  readonly onOpen: (id: string) => void
  readonly onStep: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

/**
 * A column for each status. A card is dragged to another one by mouse or a finger that rests, or moved by the keys < and >. The
 * arrow keys, or h, j, k and l, go from card to card.
 */
export function Board({ filter, counts, onStep, ...props }: BoardProps) {
  const shown = filter.status === null ? statuses : [filter.status]
  const board = useRef<HTMLDivElement>(null)
  const [dragged, setDragged] = useState<Dragged | null>(null)
  const focused = useFocusedCard()
  const { isFirst } = useArrival()
  const { onMove, open } = props
  useEffect(() => {
    if (board.current === null) return
    return watchDrags(board.current, {
      onDrag: setDragged,
      onDrop: (id, column) => onMove(id, column as Status), // the column's, below
    })
  }, [onMove])

  const step = (across: number, down: number) => {
    const next = board.current === null ? null : cardBeside(board.current, { across, down, open })
    next?.focus()
    if (open !== null && next?.dataset.card !== undefined) onStep(next.dataset.card)
  }
  const [left, down, up, right] = [() => step(-1, 0), () => step(0, 1), () => step(0, -1), () => step(1, 0)]
  useKeys({ h: left, j: down, k: up, l: right, ArrowLeft: left, ArrowDown: down, ArrowUp: up, ArrowRight: right })

  return (
    <>
      {counts?.length === 0 && !isFirst && <p className="quiet empty">No issue is like that.</p>}
      <div ref={board} className="board" hidden={counts?.length === 0}>
        {shown.map((status) => (
          <Column
            key={status}
            status={status}
            filter={filter}
            count={counts?.find((one) => one.status === status)?.count ?? 0}
            dragged={dragged}
            focused={focused}
            {...props}
          />
        ))}
      </div>
    </>
  )
}

/** The card that has, or had, the focus: moved to another column it is another element, which gets it back. */
function useFocusedCard(): RefObject<string | null> {
  const focused = useRef<string | null>(null)
  useEffect(() => {
    const note = ({ target }: Event) => {
      const card = target instanceof Element ? target.closest<HTMLElement>("[data-card]") : null
      focused.current = card?.dataset.card ?? null
    }
    for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, note)
    return () => {
      for (const type of ["focusin", "pointerdown"]) document.removeEventListener(type, note)
    }
  }, [])
  return focused
}

type ColumnProps = Omit<BoardProps, "counts" | "onStep"> & {
  readonly status: Status
  readonly count: number
  readonly dragged: Dragged | null
  readonly focused: RefObject<string | null>
}

function Column({ status, filter, count, dragged, focused, open, unread, onOpen, onMove }: ColumnProps) {
  const query = useQuery(issuesOf({ ...filter, status }, CARDS), shownMeanwhile)
  const key = query.isPlaceholderData ? null : JSON.stringify(filter)
  const { kept, fresh, renew } = useHeldOrder(query.data ?? none, key)
  // What arrives in a column is its first card; no other one changes its place.
  if (fresh.length > 0) renew([...fresh, ...kept])
  return (
    <section
      className={dragged?.column === status ? "column over" : "column"}
      data-column={status}
      aria-label={statusNames[status]}
    >
      <h2>
        <StatusMark status={status} /> {count.toLocaleString("en")}
      </h2>
      {query.error !== null && <p role="alert">{sayError(query.error)}</p>}
      <ul>
        {kept.map((issue) => (
          <Card
            key={issue.id}
            issue={issue}
            isOpen={issue.id === open}
            isUnread={unread.has(issue.id)}
            isDragged={issue.id === dragged?.card}
            focused={focused}
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
  readonly focused: RefObject<string | null>
  readonly onOpen: (id: string) => void
  readonly onMove: (id: string, status: Status) => void
}

const Card = memo(function Card({ issue, isOpen, isUnread, isDragged, focused, onOpen, onMove }: CardProps) {
  const button = useRef<HTMLButtonElement>(null)
  const { id } = issue
  useEffect(() => {
    if (focused.current === id && isFocusLost()) button.current?.focus()
  }, [focused, id])
  const moveBy = (by: number) => {
    const next = statuses[statuses.indexOf(issue.status) + by]
    if (next === undefined) return
    onMove(id, next)
    // To a column that the filter leaves out: the card is gone, and the next one has the focus.
    const item = button.current?.closest("li")
    const isShown = document.querySelector(`[data-column="${next}"]`) !== null
    if (!isShown) (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector("button")?.focus()
  }
  return (
    <li>
      <button
        ref={button}
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
        <span className="title" dir="auto">
          {isUnread && <UnreadDot />}
          {issue.title}
        </span>
        <span className="card-foot">
          <PriorityMark priority={issue.priority} />
          <span className="number">{issue.n}</span>
          <span className="assignee" dir="auto">
            {issue.assignee}
          </span>
        </span>
      </button>
    </li>
  )
})
