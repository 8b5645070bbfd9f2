"use client"

import { newId, type PresenceOf, useMutation, usePresence, useQuery, useSyncStatus } from "@lf/react"
import { type MouseEvent, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react"
import type { User } from "../account/session"
import { AddIssue, SetStatus } from "../lf/mutators"
import { newTitle, type Status } from "../lf/values"
import type { Place } from "./address"
import { Board } from "./board"
import { draftOf, keepDraft } from "./drafts"
import { Filters } from "./filters"
import { issuesId, useFocusOnClose } from "./focus"
import { DetailHead, type Entered, IssueDetail } from "./issue-detail"
import { IssueList } from "./issue-list"
import { Notices } from "./notices"
import { countsOf, issueOf, shownMeanwhile } from "./queries"
import { draftName } from "./refusals"
import { TopBar } from "./top-bar"
import { useArrival } from "./use-arrival"
import { useEmptyIssue } from "./use-empty-issue"
import { useKeys, useVanishedField } from "./use-keys"
import type { GoTo } from "./use-place"
import { type Lose, useProblems } from "./use-problems"
import { useTitle } from "./use-title"
import { useUnread } from "./use-unread"
import { sayError } from "./words"

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
  const { notices, setUndoProblem, setError, lose, loseBy } = useProblems()
  // A key is shown at once; the rows of a slower query follow.
  const shown = useDeferredValue(filter)
  const { isFirst } = useArrival()
  const counts = useQuery(countsOf(shown), shownMeanwhile).data
  const total = isFirst ? undefined : counts?.reduce((sum, { count }) => sum + count, 0)
  const search = useRef<HTMLInputElement>(null)
  const others = useOthers(user, open)
  const setStatus = useMutation(SetStatus, { onError: setError })
  const unread = useUnread(user.id, open)
  const { made, entered, onEntered, show, step, addIssue, close } = useOpening(goTo, setError)
  // The same functions at each render: rows that did not change are not rendered.
  const move = useCallback((id: string, status: Status) => setStatus.mutate({ id, status }), [setStatus.mutate])
  useKeys({
    "/": () => search.current?.focus(),
    b: () => goTo({ view: view === "list" ? "board" : "list" }),
    ...(isFirst ? {} : { c: addIssue }),
    Escape: close,
  })
  useVanishedField()
  useTitle(view, open)
  useEmptyIssue(open, others)
  useFocusOnClose(open)

  const issues = { filter: shown, open, unread, onOpen: show, onStep: step }
  return (
    <div className="tracker">
      <SkipLink />
      <TopBar
        user={user}
        others={others}
        view={view}
        onView={(view) => goTo({ view })}
        onAdd={isFirst ? null : addIssue}
        onError={setError}
        onUndoProblem={setUndoProblem}
      />
      <Filters filter={filter} total={total} searchRef={search} onChange={(filter) => goTo({ filter })} />
      <main className="content">
        <section id={issuesId} className="issues" tabIndex={-1} aria-label={view === "list" ? "Issues" : "Board"}>
          <FirstSync />
          {view === "list" ? (
            <IssueList {...issues} user={user.id} total={total} others={others} />
          ) : (
            <Board {...issues} counts={counts} onMove={move} />
          )}
        </section>
        {open !== null && (
          <Detail
            id={open}
            user={user.id}
            isNew={open === made}
            entered={entered}
            onEntered={onEntered}
            onClose={close}
            onError={setError}
            onUnkept={loseBy}
            onLost={lose}
            others={others}
          />
        )}
      </main>
      <Notices {...notices} />
    </div>
  )
}

/** Other users, each once with each issue that is open in a tab. Further tabs of this user are this user. */
function useOthers(user: User, open: string | null): readonly PresenceOf<Here>[] {
  const { others } = usePresence<Here>({ name: user.name, issue: open })
  return useMemo(() => {
    const isSame = (one: PresenceOf<Here>, other: PresenceOf<Here>) =>
      one.user === other.user && one.value.issue === other.value.issue
    return others.filter((one, at) => one.user !== user.id && others.findIndex((other) => isSame(one, other)) === at)
  }, [others, user.id])
}

/** What opens an issue, and closes it. */
function useOpening(goTo: GoTo, onError: (error: Error) => void) {
  const [made, setMade] = useState<string | null>(null)
  const [entered, setEntered] = useState<Entered | null>(null)
  const add = useMutation(AddIssue, { onError })
  const onEntered = useCallback(() => setEntered(null), [])
  /** By its row: the focus goes into it. */
  const show = useCallback(
    (issue: string) => {
      setEntered({ issue })
      goTo({ issue })
    },
    [goTo],
  )
  /** By the arrow keys: the focus stays where it goes on from. */
  const step = useCallback(
    (issue: string) => {
      setEntered(null)
      goTo({ issue })
    },
    [goTo],
  )
  const addIssue = () => {
    const id = newId()
    add.mutate({ id, title: newTitle, status: "backlog" })
    setMade(id)
    step(id)
  }
  const close = () => {
    setMade(null)
    goTo({ issue: null })
  }
  return { made, entered, onEntered, show, step, addIssue, close }
}

type DetailProps = Omit<Parameters<typeof IssueDetail>[0], "issue"> & {
  readonly id: string
  readonly onLost: Lose
}

const gone = "This issue is gone: it was left empty, or its making was undone or refused."
const away = "This issue is not on this device. If it is not gone, it comes when you are online."

function Detail({ id, onLost, ...props }: DetailProps) {
  const query = useQuery(issueOf(id))
  const issue = query.data?.[0]
  const { user } = props
  const { isKnown, isFetching } = useArrival()
  const isGone = query.isSuccess && issue === undefined && isKnown
  useEffect(() => {
    const text = isGone ? draftOf(user, id) : ""
    if (text === "") return
    onLost({ name: draftName, args: { issue: id, text } }, "issue-gone", () => keepDraft(user, id, ""))
  }, [isGone, user, id, onLost])
  if (issue !== undefined) return <IssueDetail key={id} issue={issue} {...props} />
  return (
    <section className="detail" aria-label="Issue" aria-busy={query.isPending}>
      {!query.isPending && (
        <>
          <DetailHead {...props} id={id} isGone={isGone || query.isError}>
            Issue
          </DetailHead>
          {query.error === null ? (
            <p className="quiet" role="status">
              {isGone ? gone : isFetching ? "Fetching this issue…" : away}
            </p>
          ) : (
            <p role="alert">{sayError(query.error)}</p>
          )}
        </>
      )}
    </section>
  )
}

/** Past the bars, for the keyboard. The address is left alone: it says what is shown. */
function SkipLink() {
  const skip = (event: MouseEvent) => {
    event.preventDefault()
    document.getElementById(issuesId)?.focus()
  }
  return (
    <a className="skip" href={`#${issuesId}`} onClick={skip}>
      Skip to the issues
    </a>
  )
}

function FirstSync() {
  const { firstSync } = useSyncStatus()
  const { isFirst, isFetching } = useArrival()
  if (firstSync === null && !isFirst) return null
  const isAway = firstSync === null && !isFetching
  return (
    <p className="quiet" role="status">
      {isAway ? "The issues are not on this device yet. They come when you are online." : "Fetching the issues…"}{" "}
      {!isAway && <progress value={firstSync?.bytes} max={firstSync?.bytesTotal || 1} aria-label="Fetched" />}
    </p>
  )
}
