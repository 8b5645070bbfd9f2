"use client"

import { type PresenceOf, useConnectionStatus, useLf, useSyncStatus } from "@lf/react"
import { signOut } from "../account/actions"
import { rememberUser } from "../account/device"
import type { User } from "../account/session"
import type { View } from "./address"
import { forgetDrafts } from "./drafts"
import type { Here } from "./tracker"
import { UndoButtons } from "./undo-buttons"

interface TopBarProps {
  readonly user: User
  readonly others: readonly PresenceOf<Here>[]
  readonly view: View
  readonly onView: (view: View) => void
  /** Null: who may add an issue has not arrived on this device. */
  readonly onAdd: (() => void) | null
  readonly onError: (error: Error) => void
  readonly onUndoProblem: (problem: string | null) => void
}

export function TopBar({ user, others, view, onView, onAdd, onError, onUndoProblem }: TopBarProps) {
  return (
    <header className="top-bar">
      <h1>Tracker</h1>
      <fieldset className="views">
        <legend className="spoken">View</legend>
        {(["list", "board"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={view === one} onClick={() => onView(one)}>
            {one === "list" ? "List" : "Board"}
          </button>
        ))}
      </fieldset>
      <span className="space" />
      <ul className="people" aria-label="Who is here">
        {[user.name, ...namesOf(others)].slice(0, 5).map((name, i) => (
          <li key={i} title={name}>
            <span aria-hidden="true">{firstLetterOf(name)}</span>
            <span className="spoken">{name}</span>
          </li>
        ))}
      </ul>
      <Connection />
      <UndoButtons onProblem={onUndoProblem} />
      <button
        type="button"
        className="main-button"
        aria-keyshortcuts="c"
        disabled={onAdd === null}
        onClick={onAdd ?? undefined}
      >
        New issue
      </button>
      <SignOut user={user} onError={onError} />
    </header>
  )
}

/** Of each user once, however many tabs show the tracker. */
function namesOf(others: readonly PresenceOf<Here>[]): readonly string[] {
  return [...new Map(others.map(({ user, value }) => [user, value.name])).values()]
}

/** One that is written with two code units stays whole. */
const firstLetterOf = (name: string) => [...name].slice(0, 1).join("").toUpperCase()

const statusWords: Partial<Record<ReturnType<typeof useConnectionStatus>["status"], string>> = {
  connected: "",
  "needs-update": "old version",
  error: "not connected",
}

function Connection() {
  const { status, error } = useConnectionStatus()
  const { pending } = useSyncStatus()
  // The session ended: the rows stay, and what is unsent waits for the same user. Who is signed in may open the tracker.
  if (status === "needs-auth" || error?.code === "FORBIDDEN") {
    return (
      <button type="button" className="connection" onClick={() => rememberUser(null)}>
        Sign in again
      </button>
    )
  }
  return (
    <span className="connection" role="status" data-status={status}>
      {statusWords[status] ?? status}
      {pending > 0 && ` ${pending} unsent`}
    </span>
  )
}

function SignOut({ user, onError }: Pick<TopBarProps, "user" | "onError">) {
  const lf = useLf()
  const leave = async () => {
    try {
      await lf.signOut({ wipe: true, pending: "refuse", end: signOut })
      forgetDrafts(user.id)
      rememberUser(null)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return (
    <button type="button" onClick={leave}>
      Sign out
    </button>
  )
}
