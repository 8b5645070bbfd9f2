"use client"

import type { DismissibleRejection } from "@lf/react"
import type { MouseEvent } from "react"
import { focusInstead } from "./focus-instead"

const phrases: Readonly<Record<string, string>> = {
  AddTodo: "adding",
  ToggleTodo: "ticking",
  RenameTodo: "renaming",
  DeleteTodo: "deleting",
  ToggleAll: "ticking all",
  ClearCompleted: "clearing the completed",
  RenameList: "the list's new name",
}

/** Says once that the server rejected a change, and that it is gone from the list. */
export function RejectedNotice({ rejected }: { rejected: readonly DismissibleRejection[] }) {
  const [first, ...others] = rejected
  if (first === undefined) return null
  const title = titleOf(first.args)
  const dismissAll = (event: MouseEvent<HTMLElement>) => {
    focusInstead(event)
    for (const mutation of rejected) mutation.dismiss()
  }
  return (
    <div className="notice" data-testid="rejected-notice">
      <p>
        The server did not accept {phrases[first.name] ?? "a change"}
        {title !== undefined && (
          <>
            {" “"}
            <bdi>{title}</bdi>”
          </>
        )}
        , so it was taken back.
        {others.length > 0 && ` And ${others.length} more.`}
      </p>
      <button type="button" className="notice-button" onClick={dismissAll}>
        Dismiss
      </button>
    </div>
  )
}

/** Of a todo or a list. */
export function titleOf(args: unknown): string | undefined {
  if (typeof args !== "object" || args === null) return undefined
  const text = "title" in args ? args.title : "name" in args ? args.name : undefined
  return text === undefined ? undefined : String(text)
}
