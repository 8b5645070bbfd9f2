"use client"

import { useSyncStatus } from "@lf/react"
import { useSettledStatus } from "../chrome/use-settled-status"
import { useLists } from "../lists/list-store"

/** A list without todos. Says nothing while it is not known whether some are on their way. */
export function Empty({ id }: { id: string }) {
  const { isUpToDate, lsn } = useSyncStatus()
  const status = useSettledStatus()
  const isMadeHere = useLists().some((list) => list.id === id && list.isMadeHere)
  if (!isUpToDate && status !== "offline") return null
  // Nothing of it has ever come from the server.
  if (!isUpToDate && lsn === 0 && !isMadeHere)
    return <p className="empty">This list is not on this device yet. It comes when you are online.</p>
  return <p className="empty">Nothing to do yet. Write the first one, or share the list and let others begin.</p>
}
