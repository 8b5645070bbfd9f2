// What a link to the tracker says: the view, the filters and the open issue, and nothing else.
import { type Label, labels, type Status, statuses } from "../lf/values"
import type { Filter } from "./queries"

export type View = "list" | "board"

export interface Place {
  readonly view: View
  readonly filter: Filter
  /** The id, not the number: an issue that was made offline gets another number when the server has it. */
  readonly issue: string | null
}

/** All parameters. app/sw.ts answers each of their addresses with the one page that it keeps. */
export const placeParameters = ["view", "text", "status", "label", "assignee", "issue"] as const

/** Anything unknown is left out: an address can be written by hand. */
export function placeOf(search: string): Place {
  const given = new URLSearchParams(search)
  return {
    view: given.get("view") === "board" ? "board" : "list",
    filter: {
      text: given.get("text") ?? "",
      status: oneOf<Status>(statuses, given.get("status")),
      label: oneOf<Label>(labels, given.get("label")),
      assignee: given.get("assignee") || null,
    },
    issue: given.get("issue") || null,
  }
}

/** The other way: "" for the list of all. */
export function searchOf({ view, filter, issue }: Place): string {
  const values = { ...filter, view: view === "list" ? null : view, issue }
  const entries = placeParameters.flatMap((name) => (values[name] ? [[name, values[name]]] : []))
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries)}`
}

/** Letters of one search, and steps from issue to issue, are one entry of the history. The rest is gone back to. */
export function isSameEntry(from: Place, to: Place): boolean {
  const isTyping = from.filter.text !== "" && to.filter.text !== "" && from.filter.text !== to.filter.text
  const isStep = from.issue !== null && to.issue !== null && from.issue !== to.issue
  return isTyping || isStep
}

function oneOf<T extends string>(values: readonly T[], given: string | null): T | null {
  return values.find((value) => value === given) ?? null
}
