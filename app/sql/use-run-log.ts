"use client"

import type { LfError, QueryRuns, RunReason } from "@lf/react"
import { useState } from "react"
import { numberText } from "./number-text"

/** A run of the query, or a change for which it did not run, in words. */
export interface LoggedRun {
  readonly key: number
  readonly isRun: boolean
  readonly text: string
}

interface Seen {
  readonly sql: string
  readonly runs: QueryRuns | null
  /** The error of the last run; null: it had none. */
  readonly code: LfError["code"] | null
  readonly log: readonly LoggedRun[]
}

const shownMax = 8

/** What happened to this query, newest first. */
export function useRunLog(sql: string, runs: QueryRuns | null, error: LfError | null): readonly LoggedRun[] {
  const [seen, setSeen] = useState<Seen>({ sql, runs: null, code: null, log: [] })
  // A run that failed has read nothing that counts; the error of the run before is not this one's.
  const code = runs?.pagesRead === 0 && error !== null ? error.code : null
  if (seen.sql === sql && seen.runs === runs && seen.code === code) return seen.log
  // Another query begins anew. While this renders: what it shows is never a step behind.
  const before = seen.sql === sql ? seen : { runs: null, log: [] }
  const added = runs === null || runs === before.runs ? [] : newRuns(runs, before.runs, before.log[0]?.key ?? 0)
  const log = [...added, ...before.log].slice(0, shownMax)
  const newest = log[0]
  if (runs !== null && code !== null && newest?.isRun)
    log[0] = { ...newest, text: `${why(runs.reason)}: it failed after ${msOf(runs)} (${code})` }
  setSeen({ sql, runs, code, log })
  return log
}

function newRuns(now: QueryRuns, before: QueryRuns | null, key: number): LoggedRun[] {
  const logged: LoggedRun[] = []
  if (now.skipped > (before?.skipped ?? 0) && now.lastChange !== null) {
    const { mutation, pages } = now.lastChange
    logged.push({
      key: key + 1,
      isRun: false,
      text: `${changed(mutation, count(pages, "page"))}, none that it read: not run`,
    })
  }
  if (now.runs !== before?.runs) {
    const cost = `${msOf(now)}, ${count(now.pagesRead, "page")} read`
    logged.unshift({ key: key + logged.length + 1, isRun: true, text: `${why(now.reason)}: ${cost}` })
  }
  return logged
}

function msOf({ ms }: QueryRuns): string {
  return `${ms.toFixed(1)} ms`
}

function why(reason: RunReason): string {
  switch (reason.type) {
    case "first":
      return "The first run"
    case "unseen":
      return "It ran before"
    case "refresh":
      return "It ran again, as it was asked to or reads the time"
    case "failed":
      return "Something changed, and the run before had failed"
    case "changed": {
      const places = reason.sources.map(({ table, index, pages }) => `${count(pages, "page")} of ${index ?? table}`)
      return `${changed(reason.mutation, places.join(", "))}, ran again`
    }
  }
}

/** Pages from the server carry no name of what changed them: they are the same for every reader. */
function changed(mutation: string | null, what: string): string {
  return mutation === null ? `The server sent ${what}` : `${mutation} here changed ${what}`
}

function count(n: number, noun: string): string {
  return `${numberText(n)} ${noun}${n === 1 ? "" : "s"}`
}
