import { type ReactElement, useCallback, useEffect, useState } from "react"
import type { ShownError, ShownRows, ShownTable } from "../rpc/devtools-protocol.ts"
import type { DevtoolsConnection } from "./devtools-connection.ts"
import { ErrorLine } from "./shown-error.tsx"
import { SqlBox } from "./sql-box.tsx"
import { ShownTableRows } from "./table-rows.tsx"
import { toShownError } from "./to-shown-error.ts"

/** Rows of one step, as many as the worker answers. */
const STEP_ROWS = 50
/** The list and the rows are read again this often, and at most a twentieth of the time is spent on it. */
const READ_MS = 2_000
const READ_SHARE = 20

export interface TablesViewProps {
  readonly connection: DevtoolsConnection
  readonly documentKey: string
}

interface Answer {
  readonly tables: readonly ShownTable[]
  readonly rows: ShownRows | null
  readonly error: ShownError | null
}

export function TablesView({ connection, documentKey }: TablesViewProps): ReactElement {
  const [chosen, setChosen] = useState<string | null>(null)
  const [offset, setOffset] = useState(0)
  const { tables, rows, error } = useTables({ connection, documentKey }, chosen, offset)
  const table = tables.find(({ name }) => name === chosen)
  const first = tables.at(0)?.name ?? null
  useEffect(() => setChosen((name) => name ?? first), [first])
  const choose = (name: string) => {
    setChosen(name)
    setOffset(0)
  }
  return (
    <>
      <SqlBox connection={connection} documentKey={documentKey} />
      {error !== null && <ErrorLine error={error} />}
      <div className="split">
        <div className="list">
          {tables.map(({ name, rows: count, type }) => (
            <button type="button" key={name} aria-pressed={name === chosen} onClick={() => choose(name)}>
              <span>
                {name} {type !== "table" && <span className="soft">{type}</span>}
              </span>
              <span className="soft">{count ?? "?"}</span>
            </button>
          ))}
        </div>
        <div>
          {table === undefined ? (
            <p className="soft">Choose a table.</p>
          ) : (
            <>
              <p className="soft">
                {table.columns.map(({ name, type, isKey }) => `${name} ${type}${isKey ? " key" : ""}`).join(", ")}
              </p>
              {rows !== null && <ShownTableRows rows={rows} label={`Rows of ${table.name}`} />}
              <Steps offset={offset} count={table.rows} onChange={setOffset} />
            </>
          )}
        </div>
      </div>
    </>
  )
}

function Steps(props: {
  readonly offset: number
  readonly count: number | null
  readonly onChange: (offset: number) => void
}): ReactElement {
  const { offset, count, onChange } = props
  return (
    <div className="line">
      <button type="button" disabled={offset === 0} onClick={() => onChange(Math.max(0, offset - STEP_ROWS))}>
        Previous
      </button>
      <span className="soft">from row {offset + 1}</span>
      <button
        type="button"
        disabled={count !== null && offset + STEP_ROWS >= count}
        onClick={() => onChange(offset + STEP_ROWS)}
      >
        Next
      </button>
    </div>
  )
}

function useTables({ connection, documentKey: key }: TablesViewProps, table: string | null, offset: number): Answer {
  const [answer, setAnswer] = useState<Answer>({ tables: [], rows: null, error: null })
  const read = useCallback(async (): Promise<Answer> => {
    try {
      const tables = await connection.ask({ type: "tables", key })
      const rows = table === null ? null : await connection.ask({ type: "rows", key, table, offset })
      return { tables, rows, error: null }
    } catch (thrown) {
      return { tables: [], rows: null, error: toShownError(thrown) }
    }
  }, [connection, key, table, offset])
  useEffect(() => {
    let isOver = false
    let timer: ReturnType<typeof setTimeout>
    const again = async () => {
      const startedMs = performance.now()
      const next = await read()
      if (isOver) return
      setAnswer(next)
      const tookMs = performance.now() - startedMs
      timer = setTimeout(() => void again(), Math.max(READ_MS, tookMs * READ_SHARE))
    }
    void again()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [read])
  return answer
}
