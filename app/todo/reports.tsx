import type { DismissibleRejection, LfError } from "@lf/react"
import type { ReactNode } from "react"
import { ErrorNotice } from "../chrome/notices"
import { RejectedNotice } from "../chrome/rejected-notice"
import { nameReportId } from "../chrome/toolbar"
import type { Trouble } from "./todo-actions"

export interface Reports {
  /** Of the list's name. */
  readonly ofName: ReactNode
  /** Of the field for new todos. */
  readonly ofNew: ReactNode
  /** By the id of a row that is shown. */
  readonly ofRows: ReadonlyMap<string, ReactNode>
  /** Of no row that is shown: for the page's notices. */
  readonly rejected: readonly DismissibleRejection[]
  readonly error: LfError | null
  /** The code of an error that is said next to what it concerns. */
  readonly saidCode: LfError["code"] | null
}

interface ReportsOptions {
  readonly rejected: readonly DismissibleRejection[]
  readonly trouble: Trouble | null
  readonly onDismiss: () => void
  readonly shownIds: ReadonlySet<string>
}

/** Of the field for new todos, which it describes. */
export const newReportId = "new-todo-report"

const NEW = Symbol("the field for new todos")
const NAME = Symbol("the list's name")
const idsOf = new Map<Place, string>([
  [NEW, newReportId],
  [NAME, nameReportId],
])
/** A row's id; null: the page. */
type Place = string | typeof NEW | typeof NAME | null

/** Puts what was rejected, and what could not be kept, next to the field or the row that it concerns. */
export function reportsOf({ rejected, trouble, onDismiss, shownIds }: ReportsOptions): Reports {
  // Of a worker that does not run the page speaks, whatever was asked of it.
  const isOfPage = trouble?.error.code === "WORKER_FAILED" || trouble?.error.code === "WORKER_REPLACED"
  const placeOf = ({ name, args }: { readonly name: string; readonly args: unknown }): Place => {
    if (name === "AddTodo") return NEW
    if (name === "RenameList") return NAME
    const id = typeof args === "object" && args !== null && "id" in args ? String(args.id) : null
    return id !== null && shownIds.has(id) ? id : null
  }
  const byPlace = new Map<Place, DismissibleRejection[]>()
  for (const one of rejected) {
    const place = placeOf(one)
    const known = byPlace.get(place)
    if (known === undefined) byPlace.set(place, [one])
    else known.push(one)
  }
  const troubledPlace = trouble === null || isOfPage ? null : placeOf(trouble)
  const reportAt = (place: Place) => (
    <div className="beside" role="alert" id={idsOf.get(place)}>
      <RejectedNotice rejected={byPlace.get(place) ?? []} />
      {trouble !== null && troubledPlace === place && <ErrorNotice error={trouble.error} onDismiss={onDismiss} />}
    </div>
  )
  const places = new Set([...byPlace.keys(), troubledPlace])
  const rows = [...places].filter((place) => typeof place === "string")
  return {
    ofName: places.has(NAME) ? reportAt(NAME) : null,
    ofNew: places.has(NEW) ? reportAt(NEW) : null,
    ofRows: new Map(rows.map((id) => [id, reportAt(id)])),
    rejected: byPlace.get(null) ?? [],
    error: troubledPlace === null ? (trouble?.error ?? null) : null,
    saidCode: troubledPlace === null ? null : (trouble?.error.code ?? null),
  }
}
