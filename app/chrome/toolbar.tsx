"use client"

import { useField, usePresence, useSyncStatus } from "@lf/react"
import type { ReactNode } from "react"
import { nameLengthMax, trimmed } from "../lf/mutators"
import { ConnectionBadge } from "./connection-badge"
import { ShareButton } from "./share-button"
import { SkipLink } from "./skip-link"
import { useLasts } from "./use-lasts"
import { useOfflineSwitch } from "./use-offline-switch"
import { type ShownStatus, useSettledStatus } from "./use-settled-status"

/** Of what is said of the list's name, which it describes. */
export const nameReportId = "name-report"

interface ToolbarProps {
  readonly name: string
  readonly onRename: (name: string) => void
  /** What is to be said of the name. */
  readonly report: ReactNode
}

/** The list's own small toolbar: its name, how the connection is, what still waits, who else is here. */
export function Toolbar({ name, onRename, report }: ToolbarProps) {
  const status = useSettledStatus()
  const { pending } = useSyncStatus()
  const [isOffline, setOffline] = useOfflineSwitch()
  const { others } = usePresence(here)
  return (
    <ToolbarView
      status={status}
      pending={pending}
      isOffline={isOffline}
      onOffline={setOffline}
      othersHere={others.length}
      name={name}
      onRename={onRename}
      report={report}
    />
  )
}

/** Nothing but that this tab is here. */
const here = {}
/** What is sent at once is not shown as waiting. */
const longMs = 800

interface ToolbarViewProps {
  readonly status: ShownStatus
  readonly pending: number
  readonly isOffline: boolean
  readonly onOffline?: (isOffline: boolean) => void
  readonly othersHere?: number
  readonly name?: string
  readonly onRename?: (name: string) => void
  readonly report?: ReactNode
}

export function ToolbarView(props: ToolbarViewProps) {
  const { status, pending, isOffline, onOffline, othersHere = 0, name = "", onRename, report } = props
  const isWaiting = useLasts(pending > 0, longMs)
  return (
    <header className="page-header">
      <SkipLink />
      <nav className="toolbar" aria-label="List">
        <a className="toolbar-link" href="/lists" aria-label="My lists">
          <span aria-hidden="true">‹</span> <span className="by-width">My lists</span>
        </a>
        <NameInput name={name} onRename={onRename} describedBy={report ? nameReportId : undefined} />
        {/* What comes and goes takes its room from the name: a switch that is about to be pressed does not move. */}
        <Here count={othersHere + 1} />
        <span className="pending" data-pending={isWaiting} aria-hidden={pending === 0}>
          <span data-testid="pending-count">{pending}</span> unsent
        </span>
        <ConnectionBadge status={status} />
        <button
          type="button"
          role="switch"
          className="switch"
          data-testid="offline-switch"
          aria-checked={isOffline}
          aria-label="Work offline"
          title="Work offline"
          onClick={() => onOffline?.(!isOffline)}
        >
          <span className="switch-track" aria-hidden="true" />
          <span className="switch-word" aria-hidden="true">
            Work offline
          </span>
        </button>
        <ShareButton name={name} />
      </nav>
      {report}
    </header>
  )
}

/** Nothing while one is alone. */
function Here({ count }: { count: number }) {
  return (
    <span className="here" data-here={count > 1} aria-hidden={count === 1} title={`${count} here`}>
      <svg className="here-picture" viewBox="0 0 16 16" width="14" height="14" fill="currentColor" aria-hidden="true">
        <circle cx="8" cy="4.5" r="3.5" />
        <path d="M1.5 15c0-4 2.5-6 6.5-6s6.5 2 6.5 6z" />
      </svg>
      {count}
      <span className="here-word"> here</span>
    </span>
  )
}

interface NameInputProps {
  readonly name: string
  readonly onRename: ToolbarViewProps["onRename"]
  readonly describedBy: string | undefined
}

function NameInput({ name, onRename, describedBy }: NameInputProps) {
  const field = useField(name, (name) => onRename?.(trimmed(name)), { when: "blur" })
  return (
    <input
      className="list-name"
      data-testid="list-name"
      aria-label="The list's name"
      aria-describedby={describedBy}
      placeholder="Name this list"
      dir="auto"
      autoComplete="off"
      enterKeyHint="done"
      maxLength={nameLengthMax}
      disabled={onRename === undefined}
      {...field.input}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return
        if (event.key === "Escape") field.reset()
        if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur()
      }}
    />
  )
}
