"use client"

import { newId, useMutation, usePresence, useQuery, useSyncStatus } from "@lf/react"
import { useCallback, useDeferredValue, useEffect, useRef, useState } from "react"
import type { User } from "../account/session"
import { AddIssue, Join, SetStatus } from "../lf/mutators"
import type { Status } from "../lf/values"
import type { Place } from "./address"
import { Board } from "./board"
import { Filters } from "./filters"
import { IssueDetail, newTitle } from "./issue-detail"
import { buttonIdOf, IssueList } from "./issue-list"
import { countsOf, issueOf } from "./queries"
import { TopBar } from "./top-bar"
import { useKeys } from "./use-keys"
import type { GoTo } from "./use-place"
import { useUnread } from "./use-unread"

export interface Here {
  readonly name: string
  /** The issue that is open in that tab. */
  readonly issue: string | null
}

interface TrackerProps {
  readonly user: User
  /** What is shown is what the address says. */
  readonly place: Place
  readonly goTo: GoTo
}

/** The tracker: filters, the issues as a list or a board, and beside them the one that is open. */
export function Tracker({ user, place, goTo }: TrackerProps) {
  const { view, filter, issue: open } = place
  const [made, setMade] = useState<string | null>(null)
  const [error, setError] = useState<Error | null>(null)
  // A key is shown at once; the rows of a slower query follow.
  const shown = useDeferredValue(filter)
  const counts = useQuery(countsOf(shown)).data ?? []
  const search = useRef<HTMLInputElement>(null)
  const { others } = usePresence<Here>({ name: user.name, issue: open })
  const add = useMutation(AddIssue, { onError: setError })
  const setStatus = useMutation(SetStatus, { onError: setError })
  const unread = useUnread(user.id, open)
  useJoin(user)
  // The same functions at each render: rows that did not change are not rendered.
  const show = useCallback((issue: string) => goTo({ issue }), [goTo])
  const move = useCallback((id: string, status: Status) => setStatus.mutate({ id, status }), [setStatus.mutate])

  const addIssue = (status: Status = "backlog") => {
    const id = newId()
    add.mutate({ id, title: newTitle, status })
    setMade(id)
    goTo({ issue: id })
  }
  const close = () => {
    setMade(null)
    goTo({ issue: null })
    // Else the focus would vanish with the detail.
    if (open !== null) document.getElementById(buttonIdOf(open))?.focus()
  }
  useKeys({
    "/": () => search.current?.focus(),
    b: () => goTo({ view: view === "list" ? "board" : "list" }),
    c: () => addIssue(),
    Escape: close,
  })

  return (
    <div className="tracker">
      <TopBar
        user={user}
        others={others}
        view={view}
        onView={(view) => goTo({ view })}
        onAdd={() => addIssue()}
        onError={setError}
      />
      <Filters filter={filter} counts={counts} searchRef={search} onChange={(filter) => goTo({ filter })} />
      <main className="issues">
        <FirstSync />
        {view === "list" ? (
          <IssueList filter={shown} open={open} unread={unread} others={others} onOpen={show} />
        ) : (
          <Board filter={shown} counts={counts} open={open} unread={unread} onOpen={show} onMove={move} />
        )}
      </main>
      {open !== null && <Detail id={open} isNew={open === made} onClose={close} onError={setError} others={others} />}
      {error !== null && (
        <p className="notice" role="alert">
          {error.message}
          <button type="button" onClick={() => setError(null)}>
            OK
          </button>
        </p>
      )}
    </div>
  )
}

type DetailProps = Omit<Parameters<typeof IssueDetail>[0], "issue"> & { readonly id: string }

function Detail({ id, ...props }: DetailProps) {
  const query = useQuery(issueOf(id))
  const issue = query.data?.[0]
  if (issue !== undefined) return <IssueDetail key={id} issue={issue} {...props} />
  return (
    <aside className="detail" aria-label="Issue" aria-busy={query.isPending}>
      {query.isSuccess && <p className="quiet">This issue is gone: its making was undone or refused.</p>}
    </aside>
  )
}

/** Everyone who was here can be an assignee. */
function useJoin({ name }: User): void {
  const { mutate } = useMutation(Join)
  useEffect(() => mutate({ name }), [mutate, name])
}

function FirstSync() {
  const { firstSync } = useSyncStatus()
  if (firstSync === null) return null
  return (
    <p className="quiet" role="status">
      Fetching the issues… <progress value={firstSync.bytes} max={firstSync.bytesTotal || 1} aria-label="Fetched" />
    </p>
  )
}
