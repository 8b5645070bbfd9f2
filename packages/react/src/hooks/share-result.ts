import { replaceEqualDeep } from "@tanstack/react-query"
import { isSettled, markSettled } from "./live-key.ts"

/**
 * TanStack's `structuralSharing` for live queries. Rows come from the worker with their identity; what `select` made of
 * them is compared with the result before. The items of a list are matched by content, not by position:
 * when one row moves, the others stay the same objects.
 */
export function shareResult(before: unknown, after: unknown): unknown {
  if (before === after || isSettled(after)) return after
  if (!Array.isArray(before) || !Array.isArray(after)) return replaceEqualDeep(before, after)
  return shareList(before, after)
}

function shareList(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  const shorter = Math.min(before.length, after.length)
  const shared: unknown[] = new Array(after.length)
  let head = 0
  while (head < shorter && shareAt(before[head], after[head], shared, head)) head++
  let tail = 0
  while (tail < shorter - head) {
    const [old, now] = [before[before.length - 1 - tail], after[after.length - 1 - tail]]
    if (!shareAt(old, now, shared, after.length - 1 - tail)) break
    tail++
  }
  const known = new Map<string, unknown[]>()
  for (let i = head; i < before.length - tail; i++) {
    const text = textOf(before[i])
    const same = known.get(text)
    if (same === undefined) known.set(text, [before[i]])
    else same.push(before[i])
  }
  for (const list of known.values()) list.reverse()
  for (let i = head; i < after.length - tail; i++) shared[i] = known.get(textOf(after[i]))?.pop() ?? after[i]
  return shared.length === before.length && shared.every((item, i) => item === before[i]) ? before : shared
}

/** Whether they are equal: then the old one is used. */
function shareAt(old: unknown, now: unknown, shared: unknown[], at: number): boolean {
  if (replaceEqualDeep(old, now) !== old) return false
  shared[at] = old
  return true
}

let unlike = 0

/**
 * A text that is equal for equal data, and for nothing else: values that JSON does not distinguish get their type, and what
 * is no data (functions, instances of classes) equals nothing.
 */
function textOf(value: unknown): string {
  return JSON.stringify(value, replacer) ?? "undefined"
}

function replacer(this: unknown, name: string, jsonValue: unknown): unknown {
  // JSON has called a Date's toJSON already.
  const value = (this as Readonly<Record<string, unknown>>)[name]
  switch (typeof value) {
    case "bigint":
      return `\u0000b${value}`
    case "number":
      return Number.isFinite(value) ? value : `\u0000n${value}`
    case "string":
      return value.startsWith("\u0000") ? `\u0000s${value}` : value
    case "undefined":
      return "\u0000u"
    case "function":
    case "symbol":
      return `\u0000f${unlike++}`
    case "object":
      return value === null || isPlain(value) ? jsonValue : keyOfObject(value)
    default:
      return value
  }
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function keyOfObject(value: object): string {
  if (value instanceof Uint8Array) return `\u0000x${value.join(",")}`
  if (value instanceof Date) return `\u0000d${value.getTime()}`
  return `\u0000f${unlike++}`
}

/** What `selectRow` returned for each row, while the row is the same object. */
export class RowResults<Row extends object, Result> {
  readonly #byRow = new WeakMap<Row, { readonly of: (row: Row) => Result; readonly result: Result }>()
  #last: readonly Result[] = []

  map(rows: readonly Row[], select: (row: Row) => Result): Result[] {
    const results = rows.map((row) => this.#resultOf(row, select))
    const isSame = results.length === this.#last.length && results.every((result, i) => result === this.#last[i])
    if (!isSame) this.#last = markSettled(results)
    return this.#last as Result[] // made above, and not written to
  }

  #resultOf(row: Row, select: (row: Row) => Result): Result {
    const known = this.#byRow.get(row)
    if (known?.of === select) return known.result
    const made = select(row)
    // An inline function is new at every render; its results are mostly equal.
    const result = known === undefined ? made : replaceEqualDeep(known.result, made)
    this.#byRow.set(row, { of: select, result })
    return result
  }
}
