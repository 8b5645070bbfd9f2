// The order of the list is that of the last changes, and others change issues all the time: a row must not leave its place
// below the pointer of a user, or the sentence that he or she reads.
import { useState } from "react"
import { useArrival } from "./use-arrival"

interface Keyed {
  readonly id: string
}

export interface Held<Row> {
  /** What is shown: rows that were, in their places, and those that follow the last one. */
  readonly kept: readonly Row[]
  /** Rows that came above others. */
  readonly fresh: readonly Row[]
  /** What the new order brings up: fresh rows, and kept ones that were changed. */
  readonly moved: readonly Row[]
}

/** `rows` in their new order, those with one of the `ids` in the order of these. */
export function holdOrder<Row extends Keyed>(ids: readonly string[], rows: readonly Row[]): Held<Row> {
  const places = placesOf(ids)
  const isKnown = ({ id }: Row) => places.has(id)
  const place = ({ id }: Row) => places.get(id) ?? 0
  const end = rows.findLastIndex(isKnown) + 1
  const known = rows.filter(isKnown).sort((one, other) => place(one) - place(other))
  const kept = [...known, ...rows.slice(end)]
  return { kept, fresh: rows.slice(0, end).filter((row) => !isKnown(row)), moved: movedOf(kept, rows) }
}

/** The last changed come first: the others, at the end, are in the order of before. */
function movedOf<Row extends Keyed>(kept: readonly Row[], rows: readonly Row[]): readonly Row[] {
  const places = placesOf(kept.map(({ id }) => id))
  let below = kept.length
  const last = rows.findLastIndex(({ id }) => {
    const place = places.get(id) ?? kept.length
    if (place >= below) return true
    below = place
    return false
  })
  return rows.slice(0, last + 1)
}

const placesOf = (ids: readonly string[]) => new Map(ids.map((id, at) => [id, at]))

/**
 * Holds the order of rows, once they are up to date, until `renew` is called. `key` says what they are of: with another one
 * their order is new. Null: they are still those of the key before.
 */
export function useHeldOrder<Row extends Keyed>(rows: readonly Row[], key: string | null) {
  const { isKnown } = useArrival()
  const [isHeld, setIsHeld] = useState(isKnown)
  const [order, setOrder] = useState<{ key: string | null; ids: readonly string[] }>({ key, ids: [] })
  if (isKnown && !isHeld) setIsHeld(true)
  const ids = isHeld && (key === null || key === order.key) ? order.ids : []
  const held = holdOrder(ids, rows)
  const known = new Set(ids)
  const added = held.kept.flatMap(({ id }) => (known.has(id) ? [] : [id]))
  // Rows that left keep their places: they may come back.
  if (isHeld && added.length > 0) setOrder({ key: key ?? order.key, ids: [...ids, ...added] })
  const renew = (next: readonly Row[]) => setOrder({ key: order.key, ids: next.map(({ id }) => id) })
  return { ...held, renew }
}
