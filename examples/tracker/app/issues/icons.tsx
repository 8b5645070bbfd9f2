// Shapes, not colours alone: they differ in forced colours, in print and for who sees no red.
import type { ReactNode } from "react"
import { type Priority, type Status, statusNames } from "../lf/values"

const statusShapes: Readonly<Record<Status, ReactNode>> = {
  backlog: <circle cx="7" cy="7" r="5" strokeDasharray="2.2 1.73" />,
  todo: <circle cx="7" cy="7" r="5" />,
  doing: (
    <>
      <circle cx="7" cy="7" r="5" />
      <path d="M7 4a3 3 0 0 1 0 6z" fill="currentColor" />
    </>
  ),
  done: (
    <>
      <circle cx="7" cy="7" r="5.5" fill="currentColor" />
      <path className="tick" d="m4.5 7.2 1.8 1.8 3.3-3.6" />
    </>
  ),
}

export function StatusMark({ status }: { status: Status }) {
  return (
    <span className={`status ${status}`}>
      <svg className="mark" viewBox="0 0 14 14" aria-hidden="true">
        {statusShapes[status]}
      </svg>
      <span className="status-name">{statusNames[status]}</span>
    </span>
  )
}

const bars: Readonly<Record<Priority, number>> = { urgent: 0, high: 3, normal: 2, low: 1 }

/** One bar, two or three; the urgent ones have a sign instead. */
export function PriorityMark({ priority }: { priority: Priority }) {
  const text = `Priority ${priority}`
  return (
    <span className={`priority ${priority}`} role="img" aria-label={text} title={text}>
      <svg className="mark" viewBox="0 0 14 14" aria-hidden="true">
        {priority === "urgent" ? (
          <path d="M7 1.5v6.5M7 11v1.5" strokeWidth="3" />
        ) : (
          [1, 2, 3].map((bar) => (
            <path
              key={bar}
              className={bar <= bars[priority] ? undefined : "faint"}
              d={`M${bar * 4 - 1} 12.5v${-bar * 3 - 1}`}
              strokeWidth="2.5"
            />
          ))
        )}
      </svg>
    </span>
  )
}
