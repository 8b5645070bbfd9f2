import type { Row } from "../sqlite/statement.ts"
import type { SqlValue } from "../sqlite/value.ts"

/** A piece of the new rows: a stretch of the old ones, or rows that are new. */
export type PatchStep =
  | { readonly type: "keep"; readonly from: number; readonly count: number }
  | { readonly type: "rows"; readonly rows: readonly Row[] }

/** How the old rows of a query become the new ones. Rows that are kept stay the same objects at the reader. */
export type RowPatch = readonly PatchStep[]

/** The patch from `before` to `after`, or null when nothing differs. Linear in the rows of both. */
export function diffRows(before: readonly Row[], after: readonly Row[]): RowPatch | null {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && sameRow(before[head], after[head])) head++
  if (head === before.length && head === after.length) return null
  let tail = 0
  while (tail < shorter - head && sameRow(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++

  const steps = new Steps()
  steps.keep(0, head)
  const known = new Positions(before, head, before.length - tail)
  for (let i = head; i < after.length - tail; i++) {
    const at = known.take(rowKey(after[i]))
    if (at === undefined) steps.add(after[i])
    else steps.keep(at, 1)
  }
  steps.keep(before.length - tail, tail)
  return steps.list
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

  constructor(rows: readonly Row[], from: number, to: number) {
    for (let i = from; i < to; i++) {
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
  for (const name in a) if (!sameValue(a[name], b[name])) return false
  for (const name in b) if (!(name in a)) return false
  return true
}

function sameValue(a: SqlValue, b: SqlValue): boolean {
  if (a === b) return true
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array) || a.length !== b.length) return false
  return a.every((byte, i) => byte === b[i])
}

function rowKey(row: Row): string {
  return JSON.stringify(row, (_name, value: unknown) => {
    if (typeof value === "bigint") return `\u0000b${value}`
    if (typeof value === "string" && value.startsWith("\u0000")) return `\u0000s${value}`
    if (value instanceof Uint8Array) return `\u0000x${value.join(",")}`
    if (typeof value === "number" && !Number.isFinite(value)) return `\u0000n${value}`
    return value
  })
}
