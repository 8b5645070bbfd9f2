"use client"

import { type Traffic, useConnectionStatus, usePendingMutations, useSyncStatus, useTraffic } from "@lf/react"
import { useEffect, useRef, useState } from "react"

/** Something that a client did, in words. */
export interface Happening {
  readonly key: number
  readonly text: string
}

const shownMax = 5

/** What this client does, newest first: read off the document's hooks, as an app could. */
export function useHappenings(): readonly Happening[] {
  const pending = usePendingMutations()
  const { pending: pendingCount } = useSyncStatus()
  const traffic = useTraffic()
  const { isOnlineWanted } = useConnectionStatus()
  const [happenings, setHappenings] = useState<readonly Happening[]>([])
  const before = useRef({ pending, pendingCount, traffic, isOnlineWanted, key: 0 })

  useEffect(() => {
    const then = before.current
    const known = new Set(then.pending.map(({ uid }) => uid))
    const texts: string[] = []
    if (isOnlineWanted !== then.isOnlineWanted)
      texts.push(isOnlineWanted ? "Network back: what waits is sent" : "Network cut: edits go on, in this database")
    for (const { uid, name } of pending)
      if (!known.has(uid)) texts.push(`${name} ran here at once${isOnlineWanted ? "" : ", and waits"}`)
    const hasPulled = traffic.rebases > then.traffic.rebases
    if (hasPulled)
      texts.push(pulled(traffic, then.traffic, { decided: then.pendingCount - pendingCount, pendingCount }))
    // Bytes are shown with the pages that they brought.
    const shown = hasPulled ? traffic : then.traffic
    before.current = { pending, pendingCount, traffic: shown, isOnlineWanted, key: then.key + texts.length }
    if (texts.length === 0) return
    const made = texts.map((text, i) => ({ key: then.key + i, text })).reverse()
    setHappenings((earlier) => [...made, ...earlier].slice(0, shownMax))
  }, [pending, pendingCount, traffic, isOnlineWanted])

  return happenings
}

function pulled(
  now: Traffic,
  then: Traffic,
  { decided, pendingCount }: { readonly decided: number; readonly pendingCount: number },
): string {
  if (then.rebases === 0) return `The database is here: ${now.pagesIn} pages, ${now.bytesIn} B in`
  const who = decided > 0 ? `The server decided ${decided}` : "Changed elsewhere"
  const rebased = pendingCount > 0 ? `, ${pendingCount} run again on them` : ""
  const bytes = `${now.bytesIn - then.bytesIn} B in, ${now.bytesOut - then.bytesOut} B out`
  return `${who}: ${now.pagesIn - then.pagesIn} pages${rebased}, ${bytes}`
}
