import type { ReactElement } from "react"
import type { ShownDocument } from "../rpc/devtools-protocol.ts"
import { bytesText } from "./bytes-text.ts"
import { ErrorLine } from "./shown-error.tsx"

export function DocumentsView({ documents }: { readonly documents: readonly ShownDocument[] }): ReactElement {
  if (documents.length === 0) return <p>The worker has no document open.</p>
  return (
    <>
      {documents.map((one) => (
        <DocumentCard key={one.key} document={one} />
      ))}
    </>
  )
}

function DocumentCard({ document }: { readonly document: ShownDocument }): ReactElement {
  const { doc, user, status, error, isOpen, isDurable, pending, lsn, epoch, pageCount, bytes, tabs, queries } = document
  const facts: readonly (readonly [string, string])[] = [
    ["status", isOpen ? status : `${status}, not open`],
    ["pending", String(pending)],
    ["lsn", String(lsn)],
    ["epoch", epoch === "" ? "none yet" : epoch.slice(0, 12)],
    ["pages", String(pageCount)],
    ["on this device", bytesText(bytes)],
    ["kept", isDurable ? "durably" : "in memory only"],
    ["tabs", String(tabs)],
    ["live queries", String(queries)],
  ]
  return (
    <article className="card" aria-label={`Document ${doc}`}>
      <h3>
        {doc} <span className="soft">{user ?? "anonymous"}</span>
      </h3>
      <div className="line">
        {facts.map(([name, value]) => (
          <span key={name}>
            <span className="soft">{name}</span> {value}
          </span>
        ))}
      </div>
      {error !== null && <ErrorLine error={error} />}
    </article>
  )
}
