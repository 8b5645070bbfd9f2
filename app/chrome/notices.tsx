"use client"

import { useConnectionStatus } from "@lf/react"
import { RejectedNotice } from "./rejected-notice"

/** What deserves a word without being asked. It floats, so that nothing below has to move. */
export function Notices() {
  return (
    <div className="notices">
      <RejectedNotice />
      <ConnectionNotice />
    </div>
  )
}

function ConnectionNotice() {
  const { status, error } = useConnectionStatus()
  if (status === "needs-update") {
    return (
      <div className="notice" role="status" data-testid="update-notice">
        <p>There is a newer version of this page.</p>
        <button type="button" className="notice-button" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    )
  }
  if (status !== "error" || error === null) return null
  return (
    <div className="notice" role="alert" data-testid="error-notice">
      <p>{error.message}</p>
    </div>
  )
}
