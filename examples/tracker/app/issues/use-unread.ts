"use client"

import { useMutation, useQuery } from "@lf/react"
import { useEffect, useMemo } from "react"
import { MarkRead } from "../lf/mutators"
import { unreadOf } from "./queries"

/**
 * The issues that others have changed since the user saw them. What was seen is in the user's own document, so it is the
 * same on all devices, and no other user can read it. The issue that is open is seen.
 */
export function useUnread(user: string, open: string | null): ReadonlySet<string> {
  const unread = useQuery(unreadOf(user), { own: true }).data
  const { mutate: markRead } = useMutation(MarkRead, { own: true })
  const change = unread?.find(({ issue }) => issue === open)?.change
  useEffect(() => {
    if (open !== null && change !== undefined) markRead({ issue: open, change })
  }, [open, change, markRead])
  return useMemo(() => new Set(unread?.map(({ issue }) => issue)), [unread])
}
