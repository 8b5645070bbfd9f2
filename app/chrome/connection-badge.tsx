import type { ShownStatus } from "./use-settled-status"

const words: Record<ShownStatus, string> = {
  opening: "",
  connected: "Online",
  connecting: "Connecting…",
  offline: "Offline",
  "needs-auth": "Signed out",
  "needs-update": "Outdated",
  error: "Not syncing",
}

/** The box is always as wide as its longest word: nothing moves when the state does. */
export function ConnectionBadge({ status }: { status: ShownStatus }) {
  return (
    <span className="badge" data-testid="connection-status" data-status={status} role="status" aria-label="Connection">
      <span className="badge-dot" aria-hidden="true" />
      <span className="badge-word">{words[status]}</span>
    </span>
  )
}
