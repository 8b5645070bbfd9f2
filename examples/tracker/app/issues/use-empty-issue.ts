import { type PresenceOf, useMutation, useQuery } from "@lf/react"
import { useEffect, useRef } from "react"
import { DiscardIssue } from "../lf/mutators"
import { newTitle } from "../lf/values"
import { buttonIdOf, isFocusLost, issuesId } from "./focus"
import { issueOf } from "./queries"
import type { Here } from "./tracker"

/** A new issue is made at once, so that its fields have a row. One that was given nothing is gone when it is left. */
export function useEmptyIssue(open: string | null, others: readonly PresenceOf<Here>[]): void {
  const issue = useQuery(issueOf(open ?? "")).data?.[0]
  // Refused on this device where the issue is not empty after all, and then nothing has happened.
  const { mutate: discard } = useMutation(DiscardIssue)
  const empty = useRef<string | null>(null)
  const isRead = others.some(({ value }) => value.issue === open)
  const isEmpty = issue?.title === newTitle && issue.body === "" && !isRead
  useEffect(() => {
    const left = empty.current
    empty.current = isEmpty ? open : null
    if (left === null || left === open) return
    // Its row is about to go, and would take the focus along; unless its title was typed just now.
    const issues = document.getElementById(issuesId)
    if (open === null && isFocusLost()) issues?.focus()
    const stays = () => document.activeElement === issues && document.getElementById(buttonIdOf(left))?.focus()
    discard({ id: left }, { onError: stays })
  }, [open, isEmpty, discard])
}
