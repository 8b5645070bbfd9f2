import { useCallback, useSyncExternalStore } from "react"
import { type Label, labels, type Status, statuses } from "../lf/values"
import type { Filter } from "./queries"

export type View = "list" | "board"

/** What the address says: it can be sent to others, and the browser's back button goes one step back. */
export interface Place {
  readonly view: View
  readonly filter: Filter
  /** The issue that is open. */
  readonly open: string | null
}

const CHANGED = "tracker:address"

/** The place, and how to go to another one. To open or close an issue is a step of the history, a filter is none. */
export function useAddress(): readonly [Place, (next: Partial<Place>) => void] {
  const search = useSyncExternalStore(listen, () => location.search, noSearch)
  const place = placeOf(search)
  const go = useCallback((next: Partial<Place>) => {
    const before = placeOf(location.search)
    const after = { ...before, ...next }
    const address = location.pathname + searchOf(after)
    if ((before.open === null) === (after.open === null)) history.replaceState(null, "", address)
    else history.pushState(null, "", address)
    dispatchEvent(new Event(CHANGED))
  }, [])
  return [place, go]
}

function listen(listener: () => void): () => void {
  addEventListener("popstate", listener)
  addEventListener(CHANGED, listener)
  return () => {
    removeEventListener("popstate", listener)
    removeEventListener(CHANGED, listener)
  }
}

const noSearch = () => ""

function placeOf(search: string): Place {
  const given = new URLSearchParams(search)
  return {
    view: given.get("view") === "board" ? "board" : "list",
    filter: {
      text: given.get("text") ?? "",
      status: oneOf<Status>(statuses, given.get("status")),
      label: oneOf<Label>(labels, given.get("label")),
      assignee: given.get("assignee"),
    },
    open: given.get("issue"),
  }
}

function searchOf({ view, filter, open }: Place): string {
  const said = { view: view === "list" ? null : view, ...filter, issue: open }
  const search = new URLSearchParams(Object.entries(said).flatMap(([name, value]) => (value ? [[name, value]] : [])))
  return search.size === 0 ? "" : `?${search}`
}

/** What was typed into the address may be anything. */
function oneOf<T extends string>(values: readonly T[], given: string | null): T | null {
  return values.find((value) => value === given) ?? null
}
