import type { ReactElement } from "react"
import type { DocumentHandle } from "../hooks/document-handle.ts"
import type { ShownCause, ShownQuery } from "../rpc/devtools-protocol.ts"
import { ErrorLine } from "./shown-error.tsx"

export interface QueriesViewProps {
  readonly queries: readonly ShownQuery[]
  readonly handles: readonly DocumentHandle[]
}

export function QueriesView({ queries, handles }: QueriesViewProps): ReactElement {
  if (queries.length === 0) return <p>No live query reads this document.</p>
  return (
    <>
      {queries.map((query) => (
        <article className="card" key={query.key} aria-label="Live query">
          <pre>{query.sql.trim()}</pre>
          <div className="line">
            {query.docs !== null && <Fact name="over" value={query.docs.join(", ")} />}
            {query.parameters.length > 0 && <Fact name="parameters" value={query.parameters.join(", ")} />}
            <Fact name="read by" value={readers(query, handles)} />
            <Fact name="rows" value={query.rows === null ? "none" : String(query.rows)} />
            <Fact name="pages read" value={String(query.pages)} />
            <Fact name="runs" value={String(query.runs)} />
            <Fact name="last run" value={query.ms === null ? "before this panel" : `${query.ms.toFixed(1)} ms`} />
          </div>
          <div>
            <span className="soft">ran last because </span>
            {causeText(query.cause)}
          </div>
          {query.error !== null && <ErrorLine error={query.error} />}
        </article>
      ))}
    </>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): ReactElement {
  return (
    <span>
      <span className="soft">{name}</span> {value}
    </span>
  )
}

/** Tabs are the worker's readers; the components are those of this tab. */
function readers({ readers: tabs, key }: ShownQuery, handles: readonly DocumentHandle[]): string {
  const clients = new Set(handles.map(({ client }) => client))
  let components = 0
  for (const client of clients) components += client.getQueryCache().get(key)?.getObserversCount() ?? 0
  return `${count(tabs, "tab")}, ${count(components, "component")} here`
}

function causeText(cause: ShownCause): string {
  switch (cause.type) {
    case "unseen":
      return "of something before this panel was opened"
    case "first":
      return "its first reader came"
    case "refresh":
      return "it was refetched"
    case "failed":
      return "something changed, and its run before had failed"
    case "changed":
      return cause.sources
        .map(({ table, index, pages }) => {
          const what = index === null ? `table ${table}` : `index ${index} of ${table}`
          return `${what} changed (${count(pages, "page")})`
        })
        .join(", ")
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`
}
