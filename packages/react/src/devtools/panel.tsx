import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react"
import type { DocumentHandle } from "../hooks/document-handle.ts"
import type { ShownDetail, ShownDocument } from "../rpc/devtools-protocol.ts"
import { BugView } from "./bug-view.tsx"
import { ConnectionView } from "./connection-view.tsx"
import type { DevtoolsConnection } from "./devtools-connection.ts"
import { DocumentsView } from "./documents-view.tsx"
import { MutationsView } from "./mutations-view.tsx"
import { QueriesView } from "./queries-view.tsx"
import { ErrorLine } from "./shown-error.tsx"
import { TablesView } from "./tables-view.tsx"
import { useSnapshot } from "./use-snapshot.ts"

const VIEWS = ["Documents", "Tables", "Queries", "Mutations", "Connection", "Bug"] as const
type View = (typeof VIEWS)[number]

export interface PanelProps {
  readonly connection: DevtoolsConnection | null
  readonly handles: readonly DocumentHandle[]
  readonly version: string | undefined
  readonly onClose: () => void
}

export function Panel({ connection, handles, version, onClose }: PanelProps): ReactElement {
  const [view, setView] = useState<View>("Documents")
  const [chosen, setChosen] = useState<string | null>(null)
  const [known, setKnown] = useState<readonly ShownDocument[]>([])
  const key = chosenKey(known, chosen, handles)
  const { snapshot, error } = useSnapshot(connection, key)
  useEffect(() => setKnown(snapshot.documents), [snapshot])
  const panel = useRef<HTMLElement>(null)
  useEffect(() => panel.current?.focus(), [])
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose()
  }
  return (
    <section className="panel" aria-label="lf devtools" ref={panel} tabIndex={-1} onKeyDown={closeOnEscape}>
      <div className="top">
        <select aria-label="Document" value={key ?? ""} onChange={(event) => setChosen(event.target.value)}>
          {snapshot.documents.length === 0 && <option value="">no document</option>}
          {snapshot.documents.map((one) => (
            <option key={one.key} value={one.key}>
              {one.doc} ({one.user ?? "anonymous"})
            </option>
          ))}
        </select>
        <Tabs view={view} onChange={setView} />
        <button type="button" onClick={onClose} aria-label="Close lf devtools">
          ✕
        </button>
      </div>
      <div className="body" role="tabpanel" aria-label={view}>
        {connection === null && <p>No LfProvider is shown in this page: there is no worker to ask.</p>}
        {error !== null && <ErrorLine error={{ code: "WORKER_FAILED", message: error.message }} />}
        {connection !== null && view === "Documents" && <DocumentsView documents={snapshot.documents} />}
        {connection !== null && key !== null && snapshot.detail !== null && view !== "Documents" && (
          <Chosen
            key={key}
            view={view}
            {...{ connection, handles, version }}
            documentKey={key}
            detail={snapshot.detail}
          />
        )}
      </div>
    </section>
  )
}

/** One view of the chosen document; another document gets a new one. */
function Chosen(props: {
  readonly view: View
  readonly connection: DevtoolsConnection
  readonly handles: readonly DocumentHandle[]
  readonly version: string | undefined
  readonly documentKey: string
  readonly detail: ShownDetail
}): ReactElement {
  const { view, connection, handles, version, documentKey, detail } = props
  switch (view) {
    case "Tables":
      return <TablesView connection={connection} documentKey={documentKey} />
    case "Queries":
      return <QueriesView queries={detail.queries} handles={handles} />
    case "Mutations":
      return <MutationsView mutations={detail.mutations} differences={detail.differences} />
    case "Connection":
      return <ConnectionView connection={detail.connection} />
    default:
      return <BugView connection={connection} documentKey={documentKey} version={version} />
  }
}

function Tabs({ view, onChange }: { readonly view: View; readonly onChange: (view: View) => void }): ReactElement {
  const list = useRef<HTMLDivElement>(null)
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0
    if (step === 0) return
    const next = (VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length
    onChange(VIEWS[next])
    list.current?.querySelectorAll("button")[next]?.focus()
  }
  return (
    <div className="tabs" role="tablist" aria-label="Views" ref={list} onKeyDown={move}>
      {VIEWS.map((one) => (
        <button
          key={one}
          type="button"
          role="tab"
          aria-selected={one === view}
          tabIndex={one === view ? 0 : -1}
          onClick={() => onChange(one)}
        >
          {one}
        </button>
      ))}
    </div>
  )
}

/** The chosen document; without a choice the one of the first provider, or the first that is open. */
function chosenKey(
  documents: readonly ShownDocument[],
  chosen: string | null,
  handles: readonly DocumentHandle[],
): string | null {
  if (documents.some(({ key }) => key === chosen)) return chosen
  const first = handles.at(0)
  const shown = documents.find(({ doc, user }) => doc === first?.doc && user === first.user)
  return (shown ?? documents.at(0))?.key ?? null
}
