import type { Sql } from "@lf/core"
import { type Local, queryKey, type RunCause } from "@lf/core/internal"
import type { QueryRuns, RunReason } from "../rpc/query-runs.ts"
import { CAUSE_PAGES_MAX, ownersOf, sourcesOf } from "./changed-sources.ts"

/**
 * Calls `listener` with how a live query runs: now if it has run, after each run, and after each change for which it did not
 * run. Another one subscribes to its rows. Returns its undo.
 */
export function watchQueryRuns(local: Local, query: Sql<unknown>, listener: (runs: QueryRuns) => void): () => void {
  const key = queryKey(query)
  const isIt = (other: Sql<unknown>) => queryKey(other) === key
  let state = local.reads.states().find((one) => isIt(one.query))
  let cause: RunCause | null = null
  let mutation: string | null = null
  let isRead = false
  let skipped = 0
  let lastChange: QueryRuns["lastChange"] = null
  let reason: RunReason = { type: "unseen" }
  const report = () => {
    if (state === undefined || state.ms === null) return
    listener({ runs: state.runs, ms: state.ms, pagesRead: state.pageCount, reason, skipped, lastChange })
  }
  const stop = local.reads.watchRuns({
    stale(other, why) {
      if (!isIt(other)) return
      cause = why
      isRead = why.type === "changed"
    },
    changed(change) {
      // Whether one that failed, or has not run yet, depends on the pages is not known.
      if (state === undefined || state.ms === null || (state.error !== null && !isRead)) return
      lastChange = { mutation: change.mutation, pages: change.pages.size, isRead }
      if (isRead) mutation = change.mutation
      else {
        skipped++
        report()
      }
      isRead = false
    },
    ran(other, _ms, after) {
      if (!isIt(other)) return
      state = after
      // Two readers that came at once: it runs for the first.
      if (cause !== null) reason = reasonOf(local, cause, mutation)
      report()
    },
  })
  report()
  return stop
}

function reasonOf(local: Local, cause: RunCause, mutation: string | null): RunReason {
  if (cause.type !== "changed") return cause
  if (cause.pages.size === 0) return { type: "failed" }
  const pages = cause.pages.size > CAUSE_PAGES_MAX ? new Set([...cause.pages].slice(0, CAUSE_PAGES_MAX)) : cause.pages
  return { type: "changed", mutation, sources: sourcesOf(pages, ownersOf(local, pages)) }
}
