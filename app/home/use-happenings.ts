"use client"

import {
  type RejectedMutation,
  type Traffic,
  useConnectionStatus,
  usePendingMutations,
  useSyncStatus,
  useTraffic,
} from "@lf/react"
import { useEffect, useRef, useState } from "react"
import { titleOf } from "../chrome/rejected-notice"

/** Something that a client did, in words. */
export interface Happening {
  readonly key: number
  readonly text: string
}

const shownMax = 5

/** What this client does, newest first: read off the document's hooks, as an app could. */
export function useHappenings(rejected: readonly RejectedMutation[]): readonly Happening[] {
  const pending = usePendingMutations()
  const { pending: pendingCount } = useSyncStatus()
  const traffic = useTraffic()
  const { isOnlineWanted, status } = useConnectionStatus()
  const isConnected = status === "connected"
  const [happenings, setHappenings] = useState<readonly Happening[]>([])
  const before = useRef({ pending, pendingCount, rejected, traffic, isOnlineWanted, key: 0 })

  useEffect(() => {
    const then = before.current
    const texts: string[] = []
    if (isOnlineWanted !== then.isOnlineWanted)
      texts.push(isOnlineWanted ? "Network back: what waits is sent" : "Network cut: edits go on, in this database")
    for (const { name } of newOnes(pending, then.pending))
      texts.push(`${name} ran here at once${isConnected ? "" : ", and waits"}`)
    const hasPulled = traffic.rebases > then.traffic.rebases
    if (hasPulled)
      texts.push(pulled(traffic, then.traffic, { decided: then.pendingCount - pendingCount, pendingCount }))
    for (const refused of newOnes(rejected, then.rejected)) texts.push(`The server refused ${nameOf(refused)}`)
    // Bytes are shown with the pages that they brought.
    const shown = hasPulled ? traffic : then.traffic
    before.current = { pending, pendingCount, rejected, traffic: shown, isOnlineWanted, key: then.key + texts.length }
    if (texts.length === 0) return
    const made = texts.map((text, i) => ({ key: then.key + i, text })).reverse()
    setHappenings((earlier) => [...made, ...earlier].slice(0, shownMax))
  }, [pending, pendingCount, rejected, traffic, isOnlineWanted, isConnected])

  return happenings
}

function newOnes<T extends { readonly uid: string }>(now: readonly T[], then: readonly T[]): readonly T[] {
  const known = new Set(then.map(({ uid }) => uid))
  return now.filter(({ uid }) => !known.has(uid))
}

function nameOf({ name, args }: RejectedMutation): string {
  const title = titleOf(args)
  // The title's own direction stays in it.
  return title === undefined ? name : `“\u2068${title}\u2069”`
}

/**
 * Every pull is a rebase: the server's pages go below what waits, what they contain waits no longer, and the rest runs again on
 * them. Most often they contain all of it, and nothing is left to run.
 */
function pulled(
  now: Traffic,
  then: Traffic,
  { decided, pendingCount }: { readonly decided: number; readonly pendingCount: number },
): string {
  if (then.rebases === 0) return `The database is here: ${now.pagesIn} pages, ${now.bytesIn} B in`
  const pages = `${now.pagesIn - then.pagesIn} pages`
  const bytes = `${now.bytesIn - then.bytesIn} B in, ${now.bytesOut - then.bytesOut} B out`
  if (decided <= 0 && pendingCount === 0) return `Changed elsewhere: ${pages}, ${bytes}`
  const reason = decided > 0 ? `the server decided ${decided}` : "changed elsewhere"
  return `Rebase on ${pages}: ${reason}, ${pendingCount} run again here; ${bytes}`
}
