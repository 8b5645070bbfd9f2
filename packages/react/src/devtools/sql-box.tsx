import { type KeyboardEvent, type ReactElement, useState } from "react"
import type { ShownError, ShownRows } from "../rpc/devtools-protocol.ts"
import type { DevtoolsConnection } from "./devtools-connection.ts"
import { ErrorLine } from "./shown-error.tsx"
import { ShownTableRows } from "./table-rows.tsx"
import { toShownError } from "./to-shown-error.ts"

export interface SqlBoxProps {
  readonly connection: DevtoolsConnection
  readonly documentKey: string
}

/** Runs a query that reads, as `useDocument().query` does. */
export function SqlBox({ connection, documentKey: key }: SqlBoxProps): ReactElement {
  const [text, setText] = useState("")
  const [rows, setRows] = useState<ShownRows | null>(null)
  const [error, setError] = useState<ShownError | null>(null)
  const run = async () => {
    try {
      setRows(await connection.ask({ type: "sql", key, sql: text }))
      setError(null)
    } catch (thrown) {
      setRows(null)
      setError(toShownError(thrown))
    }
  }
  const runOnEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    void run()
  }
  return (
    <div className="card">
      <textarea
        aria-label="SQL"
        placeholder="select … (Ctrl or Cmd + Enter runs it)"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={runOnEnter}
        spellCheck={false}
      />
      <button type="button" disabled={text.trim() === ""} onClick={() => void run()}>
        Run
      </button>
      {error !== null && <ErrorLine error={error} />}
      {rows !== null && <ShownTableRows rows={rows} label="Result" />}
    </div>
  )
}
