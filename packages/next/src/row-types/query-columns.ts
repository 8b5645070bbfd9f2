import { type ProbedColumn, quotedName, type StatementProbe } from "@lf/core/internal"
import { type ColumnType, expressionType, isAggregate, type Place } from "./expression-type.ts"
import { type SelectPart, selectParts } from "./select-parts.ts"

export interface QueryColumn extends ColumnType {
  readonly name: string
}

/** The columns of a query, whose parameters are written as null. @throws SQL_ERROR */
export function queryColumns(probe: StatementProbe, sql: string): QueryColumn[] {
  const columns = probe.columns(sql)
  const selects = selectParts(sql)
  if (selects === null)
    return columns.map(({ name }) => ({ name, base: new Set(["unknown"] as const), isNullable: true }))
  const isOne = selects.parts.length === 1
  const types = selects.parts.map((part) => {
    const place = { probe, prefix: selects.prefix, from: part.from }
    // Of a compound query SQLite names a type only where all parts have it.
    const own = isOne ? columns : probe.columns(`${selects.prefix} select ${part.items.join(", ")} ${part.from}`)
    return typesOf(place, part, own)
  })
  const found = columns.map(({ name }, i) => ({
    // A view gives a name that comes again a number; in a row the last of them counts.
    name: columns.some((other) => name === `${other.name}${/:\d+$/.exec(name)?.[0] ?? ""}` && other.name !== name)
      ? name.replace(/:\d+$/, "")
      : name,
    base: new Set(types.flatMap((part) => [...(part[i]?.base ?? ["unknown" as const])])),
    isNullable: types.some((part) => part[i]?.isNullable ?? true),
  }))
  return [...new Map(found.map((column) => [column.name, column])).values()]
}

function typesOf(place: Place, part: SelectPart, columns: readonly ProbedColumn[]): ColumnType[] {
  const { items, hasGroupBy } = part
  const expressions = items.flatMap((item) => (/(^|\.)\s*\*$/.test(item) ? starOf(place, item) : [item]))
  // Of no rows, an aggregate makes one, with null for all that is no aggregate.
  const isOneRow = !hasGroupBy && items.some(isAggregate)
  return expressions.map((expression, i) => {
    const type = expressionType(expression, columns[i]?.type ?? "", place)
    return isOneRow && !isAggregate(expression) ? { ...type, isNullable: true } : type
  })
}

/** The columns that a star stands for, as expressions. */
function starOf({ probe, prefix, from }: Place, item: string): string[] {
  const before = item.slice(0, -1)
  return probe.columns(`${prefix} select ${item} ${from}`).map(({ name }) => before + quotedName(name))
}
