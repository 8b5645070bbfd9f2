import { type ReactElement, useState } from "react"
import type { ShownError } from "../rpc/devtools-protocol.ts"
import { bytesText } from "./bytes-text.ts"
import type { DevtoolsConnection } from "./devtools-connection.ts"
import { ErrorLine } from "./shown-error.tsx"
import { toShownError } from "./to-shown-error.ts"

export interface BugViewProps {
  readonly connection: DevtoolsConnection
  readonly documentKey: string
  readonly version: string | undefined
}

/** Says what the file holds before it is saved. */
export function BugView({ connection, documentKey, version }: BugViewProps): ReactElement {
  const [isAgreed, setAgreed] = useState(false)
  const [saved, setSaved] = useState<string | null>(null)
  const [error, setError] = useState<ShownError | null>(null)
  const save = async () => {
    setError(null)
    try {
      const { userAgent } = navigator
      const text = await connection.ask({ type: "export", key: documentKey, version: version ?? null, userAgent })
      const name = `bug-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.lfbug`
      saveFile(name, text)
      setSaved(`${name}, ${bytesText(text.length)}`)
    } catch (thrown) {
      setError(toShownError(thrown))
    }
  }
  return (
    <>
      <h3>Export this bug</h3>
      <p>One file that opens this document in a test, with replayBug() of @lf/react/testing. It contains:</p>
      <ul>
        <li>every row of this document as this device has it: the users' data</li>
        <li>the changes that wait for the server, and those that it rejected, with their arguments</li>
        <li>
          the user's id, the clock, the app's version and its migrations' hashes, the browser's name, the last errors
        </li>
      </ul>
      <p>It has no token, no cookie and no secret of this device. Send it to those alone who may read the document.</p>
      <p>
        <label>
          <input type="checkbox" checked={isAgreed} onChange={(event) => setAgreed(event.target.checked)} /> I may share
          what this document contains
        </label>
      </p>
      <button type="button" disabled={!isAgreed} onClick={() => void save()}>
        Save the file
      </button>
      {saved !== null && <p role="status">Saved: {saved}</p>}
      {error !== null && <ErrorLine error={error} />}
    </>
  )
}

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }))
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  // Not at once: the browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
