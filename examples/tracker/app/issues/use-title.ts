import { useQuery } from "@lf/react"
import { useEffect } from "react"
import type { View } from "./address"
import { issueOf } from "./queries"

/** The window is named after the issue that is open, else after the view. */
export function useTitle(view: View, open: string | null): void {
  const issue = useQuery(issueOf(open ?? "")).data?.[0]
  const shown = issue === undefined ? (view === "list" ? "Issues" : "Board") : `${issue.n} ${issue.title}`
  useEffect(() => {
    document.title = `${shown} – Tracker`
  }, [shown])
}
