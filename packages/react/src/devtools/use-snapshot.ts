import { useEffect, useState } from "react"
import type { Snapshot } from "../rpc/devtools-protocol.ts"
import type { DevtoolsConnection } from "./devtools-connection.ts"

/** The worker is asked this often while the panel is open and the tab is shown. */
const ASK_MS = 400

const NOTHING: Snapshot = { documents: [], detail: null }

/** What the worker has now, and of the document of this key in detail. */
export function useSnapshot(
  connection: DevtoolsConnection | null,
  key: string | null,
): { readonly snapshot: Snapshot; readonly error: Error | null } {
  const [snapshot, setSnapshot] = useState(NOTHING)
  const [error, setError] = useState<Error | null>(null)
  useEffect(() => {
    if (connection === null) return
    let isOver = false
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      if (document.visibilityState !== "hidden") {
        try {
          const answer = await connection.ask({ type: "watch", key })
          if (isOver) return
          setSnapshot(answer)
          setError(null)
        } catch (thrown) {
          if (isOver) return
          setError(thrown as Error) // an LfError of the connection
        }
      }
      timer = setTimeout(() => void ask(), ASK_MS)
    }
    void ask()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [connection, key])
  return { snapshot, error }
}
