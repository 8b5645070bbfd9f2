"use client"

import { type DismissibleRejection, type LfError, useConnectionStatus } from "@lf/react"
import type { MouseEvent } from "react"
import { sayError } from "./error-words"
import { focusInstead } from "./focus-instead"
import { LostNotice, type LostText } from "./lost-notice"
import { RejectedNotice } from "./rejected-notice"

interface NoticesProps {
  readonly rejected: readonly DismissibleRejection[]
  /** What was typed into rows that are there no more. */
  readonly lost: readonly LostText[]
  readonly onForget: (text: LostText) => void
  /** What went wrong here: the last mutation or the list's query. */
  readonly problem: LfError | null
  /** The code of what is said elsewhere on the page; null: nothing is. */
  readonly saidCode: LfError["code"] | null
  readonly onDismiss: () => void
}

/** Errors and rejections that concern no row which is shown. They float: nothing below moves, and they are visible at any scroll position. */
export function Notices({ rejected, lost, onForget, problem, saidCode, onDismiss }: NoticesProps) {
  const { status, error } = useConnectionStatus()
  const trouble = status === "error" && error?.code !== saidCode ? error : null
  return (
    <section className="notices" aria-label="Notices" aria-live="polite">
      <RejectedNotice rejected={rejected} />
      {lost.map((text) => (
        <LostNotice key={text.id} text={text.text} onDismiss={() => onForget(text)} />
      ))}
      {status === "needs-update" ? (
        <UpdateNotice />
      ) : (
        <ErrorNotice error={problem ?? trouble} onDismiss={problem === null ? null : onDismiss} />
      )}
    </section>
  )
}

function UpdateNotice() {
  return (
    <div className="notice" data-testid="update-notice">
      <p>There is a newer version of this page.</p>
      <button type="button" className="notice-button" onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  )
}

/** Shows an error once, also when it comes from two sources. One that lasts goes with its cause. */
export function ErrorNotice({ error, onDismiss }: { error: LfError | null; onDismiss: (() => void) | null }) {
  if (error === null) return null
  const isLoading = error.code === "WORKER_FAILED"
  const act = isLoading ? () => location.reload() : onDismiss
  const handleClick = (event: MouseEvent<HTMLElement>) => {
    focusInstead(event)
    act?.()
  }
  return (
    <div className="notice" data-testid="error-notice" data-code={error.code}>
      <p>{sayError(error)}</p>
      {act !== null && (
        <button type="button" className="notice-button" onClick={handleClick}>
          {isLoading ? "Reload" : "OK"}
        </button>
      )}
    </div>
  )
}
