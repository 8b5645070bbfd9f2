import type { Row } from "../sqlite/statement.ts"
import type { SqlValue } from "../sqlite/value.ts"

/** A piece of the new rows: a stretch of the old ones, or rows that are new. */
export type PatchStep =
  | { readonly type: "keep"; readonly from: number; readonly count: number }
  | { readonly type: "rows"; readonly rows: readonly Row[] }

/** How the old rows of a query become the new ones. Rows that are kept stay the same objects at the reader. */
export type RowPatch = readonly PatchStep[]

/** Rows that are looked ahead for where both lists go on alike: enough for what one mutation inserts, removes or moves. */
const LOOKAHEAD_ROWS = 8
const NEW = -1

/**
 * The patch from `before` to `after`, or null when nothing differs. Linear in the rows of both. Rows that stay in their
 * order are compared in place; only those that are left on both sides are found by their content.
 */
export function diffRows(before: readonly Row[], after: readonly Row[]): RowPatch | null {
  const { positions, left } = alignInOrder(before, after)
  if (left.length > 0) findMoved(before, after, positions, left)
  const steps = new Steps()
  for (let i = 0; i < after.length; i++) {
    if (positions[i] === NEW) steps.add(after[i])
    else steps.keep(positions[i], 1)
  }
  const only = steps.list[0]
  const isSame = steps.list.length === 1 && only.type === "keep" && only.from === 0 && only.count === before.length
  return isSame || (before.length === 0 && after.length === 0) ? null : steps.list
}

/** The old position of each new row, as far as one walk through both lists finds it, and the old rows that it passed over. */
function alignInOrder(before: readonly Row[], after: readonly Row[]): { positions: Int32Array; left: number[] } {
  const positions = new Int32Array(after.length).fill(NEW)
  const left: number[] = []
  let at = 0
  let i = 0
  while (i < after.length && at < before.length) {
    if (sameRow(before[at], after[i])) {
      positions[i++] = at++
      continue
    }
    const { inserted, removed } = lookAhead(before, at, after, i)
    i += inserted
    for (const end = at + removed; at < end; at++) left.push(at)
  }
  for (; at < before.length; at++) left.push(at)
  return { positions, left }
}

/** How many rows to pass over on each side so that both go on alike: the fewest, on one side if that is possible. */
function lookAhead(before: readonly Row[], at: number, after: readonly Row[], i: number) {
  for (let ahead = 1; ahead <= LOOKAHEAD_ROWS; ahead++) {
    if (i + ahead < after.length && sameRow(before[at], after[i + ahead])) return { inserted: ahead, removed: 0 }
    if (at + ahead < before.length && sameRow(before[at + ahead], after[i])) return { inserted: 0, removed: ahead }
  }
  return { inserted: 1, removed: 1 }
}

function findMoved(
  before: readonly Row[],
  after: readonly Row[],
  positions: Int32Array,
  left: readonly number[],
): void {
  const known = new Positions(before, left)
  for (let i = 0; i < after.length; i++) if (positions[i] === NEW) positions[i] = known.take(rowKey(after[i])) ?? NEW
}

/** The rows after `patch`. */
export function patchRows(before: readonly Row[], patch: RowPatch): Row[] {
  const after: Row[] = []
  for (const step of patch) {
    if (step.type === "rows") for (const row of step.rows) after.push(row)
    else for (let i = step.from; i < step.from + step.count; i++) after.push(before[i])
  }
  return after
}

class Steps {
  readonly list: PatchStep[] = []
  /** The rows of the last step, while it is one of new rows. */
  #rows: Row[] | null = null

  keep(from: number, count: number): void {
    if (count === 0) return
    this.#rows = null
    const last = this.list.at(-1)
    if (last?.type === "keep" && last.from + last.count === from) {
      this.list[this.list.length - 1] = { type: "keep", from: last.from, count: last.count + count }
    } else this.list.push({ type: "keep", from, count })
  }

  add(row: Row): void {
    if (this.#rows === null) {
      this.#rows = []
      this.list.push({ type: "rows", rows: this.#rows })
    }
    this.#rows.push(row)
  }
}

/** Old positions by content: equal rows are taken in order. */
class Positions {
  readonly #byKey = new Map<string, { readonly positions: number[]; taken: number }>()

  constructor(rows: readonly Row[], positions: readonly number[]) {
    for (const i of positions) {
      const key = rowKey(rows[i])
      const known = this.#byKey.get(key)
      if (known === undefined) this.#byKey.set(key, { positions: [i], taken: 0 })
      else known.positions.push(i)
    }
  }

  take(key: string): number | undefined {
    const known = this.#byKey.get(key)
    return known === undefined || known.taken === known.positions.length ? undefined : known.positions[known.taken++]
  }
}

function sameRow(a: Row, b: Row): boolean {
  if (a === b) return true
  for (const name in a) if (!sameValue(a[name], b[name])) return false
  for (const name in b) if (!(name in a)) return false
  return true
}

function sameValue(a: SqlValue, b: SqlValue): boolean {
  if (a === b) return true
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array) || a.length !== b.length) return false
  return a.every((byte, i) => byte === b[i])
}

/** Equal for rows with the same columns and values, for no others. */
function rowKey(row: Row): string {
  let key = ""
  for (const name in row) key += `${name.length}:${name}${valueKey(row[name])}`
  return key
}

/** Texts carry their length, so that none can be taken for what follows it. */
function valueKey(value: SqlValue): string {
  if (typeof value === "string") return `s${value.length}:${value}`
  if (typeof value === "number") return `n${value};`
  if (typeof value === "bigint") return `b${value};`
  return value === null ? "z" : `x${value.length}:${value.join(",")}`
}
