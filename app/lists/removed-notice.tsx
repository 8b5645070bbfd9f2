"use client"

import type { MouseEvent } from "react"

interface RemovedNoticeProps {
  readonly label: string
  /** How many of its changes wait. */
  readonly unsent: number
  readonly onUndo: () => void
  readonly onDismiss: () => void
}

/** What was removed from the index, while it can come back. */
export function RemovedNotice({ label, unsent, onUndo, onDismiss }: RemovedNoticeProps) {
  const handleDismiss = (event: MouseEvent<HTMLElement>) => {
    if (event.detail === 0) document.querySelector<HTMLElement>(".lists-new")?.focus()
    onDismiss()
  }
  return (
    <div className="notice" data-testid="removed-notice">
      <p>
        “<bdi>{label}</bdi>” is gone from this index; its link still opens it.
        {unsent > 0 && ` ${unsent === 1 ? "One change" : `${unsent} changes`} of it will be sent when you are online.`}
      </p>
      <button type="button" className="notice-button" onClick={onUndo}>
        Undo
      </button>
      <button type="button" className="notice-button" onClick={handleDismiss}>
        Dismiss
      </button>
    </div>
  )
}
