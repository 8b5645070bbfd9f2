import { useMutation, useQuery } from "@lf/react"
import { useEffect, useMemo } from "react"
import type { User } from "../account/session"
import { MarkRead } from "../lf/mutators"
import { unreadOf } from "./queries"

/** The issues with comments that the user has seen on none of their devices. */
export function useUnread({ id }: User): ReadonlySet<string> {
  const rows = useQuery(unreadOf(id), { own: true }).data
  return useMemo(() => new Set(rows?.map((row) => row.id)), [rows])
}

/** Marks that the user has seen this many comments of the issue; 0: nothing to mark. */
export function useMarkRead(issue: string, comments: number): void {
  const { mutate } = useMutation(MarkRead, { own: true })
  useEffect(() => {
    if (comments > 0) mutate({ issue, comments })
  }, [mutate, issue, comments])
}
