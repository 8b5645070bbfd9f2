import type { ReactElement } from "react"
import type { ShownRows } from "../rpc/devtools-protocol.ts"

export function ShownTableRows({ rows, label }: { readonly rows: ShownRows; readonly label: string }): ReactElement {
  if (rows.count === 0) return <p className="soft">no rows</p>
  return (
    <div className="scroll">
      <table aria-label={label}>
        <thead>
          <tr>
            {rows.columns.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.rows.map((row, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of any query have no other name
            <tr key={i}>
              {row.map((cell, at) => (
                <td key={rows.columns[at]} className={cell.type}>
                  {cell.text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.count > rows.rows.length && (
        <p className="soft">
          {rows.count} rows, of which the first {rows.rows.length} are shown
        </p>
      )}
    </div>
  )
}
