"use client"

import { LfProvider } from "@lf/react"
import { useState } from "react"
import { Supported } from "../chrome/supported"
import { exampleQueries, firstQuery } from "./example-queries"
import { connectRows } from "./lf/connect"
import { rowsId, rowsMutator } from "./lf/mutators"
import { QueryBox } from "./query-box"
import { QueryResult } from "./query-result"
import { RowsStatus } from "./rows-status"

export function RowsPage() {
  return (
    <LfProvider doc={rowsId} url="/api/rows" worker={connectRows} mutator={rowsMutator}>
      <Supported isPart id="box">
        <div className="needs-script">
          <RowsStatus />
          <Queries />
        </div>
      </Supported>
    </LfProvider>
  )
}

function Queries() {
  const [text, setText] = useState(textBefore)
  // A new object with each run: one query may run several times.
  const [ran, setRan] = useState({ sql: firstQuery as string })
  const run = (sql: string) => {
    setText(sql)
    setRan({ sql })
  }
  return (
    <>
      <ul className="sql-examples" aria-label="Examples">
        {exampleQueries.map(({ name, sql }) => (
          <li key={name}>
            <button type="button" aria-pressed={sql === ran.sql} onClick={() => run(sql)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      <QueryBox text={text} onText={setText} onRun={() => run(text)} />
      <QueryResult ran={ran} />
    </>
  )
}

/** What was typed before React hydrated the page, which would put the first query back. */
function textBefore(): string {
  const box = typeof document === "undefined" ? null : document.querySelector<HTMLTextAreaElement>("#box")
  return box?.value ?? firstQuery
}
