"use client"

import { useConnectionStatus } from "@lf/react"
import { useState } from "react"
import { useLasts } from "./use-lasts"

const blinkMs = 2_000

/** What the badge says. `opening`: too early to say anything. */
export type ShownStatus = ReturnType<typeof useConnectionStatus>["status"] | "opening"

/**
 * The connection's state without short interruptions: it counts as away two seconds after the connection was lost. Attempts to
 * come back do not start the count again, and once it is offline it stays so until it is truly back. Offline by choice it is at
 * once.
 */
export function useSettledStatus(): ShownStatus {
  const { status, isOnlineWanted } = useConnectionStatus()
  const isAway = status === "offline" || status === "connecting"
  const [firm, setFirm] = useState<ShownStatus>("opening")
  const [hasFailed, setHasFailed] = useState(false)
  const isOverdue = useLasts(isAway, blinkMs)

  if (!isAway && firm !== status) setFirm(status)
  if (isAway && status === "offline" && !hasFailed) setHasFailed(true)
  if (!isAway && hasFailed) setHasFailed(false)

  if (!isOnlineWanted && (isAway || status === "connected")) return "offline"
  if (!isAway) return status
  if (!isOverdue) return firm
  return hasFailed ? "offline" : "connecting"
}
