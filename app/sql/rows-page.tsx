"use client"

import { LfProvider } from "@lf/react"
import { type ReactNode, useState } from "react"
import { useIsClient } from "../chrome/use-is-client"
import { exampleQueries, firstQuery } from "./example-queries"
import { connectRows } from "./lf/connect"
import { rowsId, rowsMutator } from "./lf/mutators"
import { QueryBox } from "./query-box"
import { QueryResult } from "./query-result"
import { ResultView } from "./result-view"
import { RowsStatus, RowsStatusLine } from "./rows-status"

/** On the server, and until there is a client, the same places without rows: nothing on the page moves. */
export function RowsPage() {
  if (!useIsClient())
    return (
      <Queries
        status={<RowsStatusLine status="opening" text="Opening the database…" />}
        result={() => <ResultView rows={[]} isOld />}
      />
    )
  return (
    <LfProvider doc={rowsId} url="/api/rows" worker={connectRows} mutator={rowsMutator}>
      <Queries status={<RowsStatus />} result={(sql) => <QueryResult sql={sql} />} />
    </LfProvider>
  )
}

function Queries({ status, result }: { status: ReactNode; result: (sql: string) => ReactNode }) {
  const [text, setText] = useState<string>(firstQuery)
  const [ran, setRan] = useState<string>(firstQuery)
  const run = (sql: string) => {
    setText(sql)
    setRan(sql)
  }
  return (
    <>
      {status}
      <ul className="sql-examples" aria-label="Examples">
        {exampleQueries.map(({ name, sql }) => (
          <li key={name}>
            <button type="button" aria-pressed={sql === ran} onClick={() => run(sql)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      <QueryBox text={text} onText={setText} onRun={() => run(text)} />
      {result(ran)}
    </>
  )
}
