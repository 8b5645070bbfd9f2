"use client"

import { useSyncStatus } from "@lf/react"
import { ConnectionBadge } from "./connection-badge"
import { ShareButton } from "./share-button"
import { SkipLink } from "./skip-link"
import { useOfflineSwitch } from "./use-offline-switch"
import { type ShownStatus, useSettledStatus } from "./use-settled-status"

/** The list's own small toolbar: where my lists are, how the connection is, what still waits. */
export function Toolbar() {
  const status = useSettledStatus()
  const { pending } = useSyncStatus()
  const [isOffline, setOffline] = useOfflineSwitch()
  return <ToolbarView status={status} pending={pending} isOffline={isOffline} onOffline={setOffline} />
}

interface ToolbarViewProps {
  readonly status: ShownStatus
  readonly pending: number
  readonly isOffline: boolean
  readonly onOffline?: (isOffline: boolean) => void
}

export function ToolbarView({ status, pending, isOffline, onOffline }: ToolbarViewProps) {
  return (
    <header>
      <SkipLink />
      <nav className="toolbar" aria-label="List">
        <a className="toolbar-link" href="/lists">
          My lists
        </a>
        <span className="toolbar-space" />
        <span className="pending" data-pending={pending > 0} aria-hidden={pending === 0}>
          <span data-testid="pending-count">{pending}</span> unsent
        </span>
        <ConnectionBadge status={status} />
        <span className="toolbar-break" />
        <button
          type="button"
          role="switch"
          className="switch"
          data-testid="offline-switch"
          aria-checked={isOffline}
          aria-label="Work offline"
          onClick={() => onOffline?.(!isOffline)}
        >
          <span className="switch-track" aria-hidden="true" />
          <span className="switch-label">Work offline</span>
        </button>
        <ShareButton />
      </nav>
    </header>
  )
}
