"use client"

import type { SqlValue } from "@lf/react"
import { useVirtualizer } from "@tanstack/react-virtual"
import { useRef } from "react"
import type { ResultRow } from "./result-view"

const rowHeight = 32

interface ResultRowsProps {
  readonly rows: readonly ResultRow[]
  readonly isOld: boolean
  /** What is said where there are none. */
  readonly nothing: string
}

/** The rows, of which those are in the page that are seen. */
export function ResultRows({ rows, isOld, nothing }: ResultRowsProps) {
  const scroller = useRef<HTMLElement>(null)
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    useFlushSync: false,
  })
  const first = rows[0]
  const columns = first === undefined ? [] : Object.keys(first)
  const shown = virtualizer.getVirtualItems()
  const above = shown[0]?.start ?? 0
  const below = virtualizer.getTotalSize() - (shown.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section className="sql-rows" ref={scroller} tabIndex={0} aria-label="Rows" data-old={isOld}>
      {first === undefined ? (
        <p>{nothing}</p>
      ) : (
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col" className={kindOf(first[name])}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <Gap height={above} columns={columns.length} />}
            {shown.map(({ index, key }) => (
              <tr key={key} aria-rowindex={index + 2}>
                {columns.map((name) => (
                  <Cell key={name} value={rows[index]?.[name]} />
                ))}
              </tr>
            ))}
            {below > 0 && <Gap height={below} columns={columns.length} />}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** Stands in the place of the rows that are not seen. */
function Gap({ height, columns }: { height: number; columns: number }) {
  return (
    <tr>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  )
}

function Cell({ value }: { value: SqlValue | undefined }) {
  if (value === null || value === undefined) return <td className="null">null</td>
  if (value instanceof Uint8Array) return <td className="null">{value.length} bytes</td>
  return <td className={kindOf(value)}>{String(value)}</td>
}

function kindOf(value: SqlValue | undefined): "number" | "text" {
  return typeof value === "number" || typeof value === "bigint" ? "number" : "text"
}
