import type { DocumentState } from "../rpc/protocol.ts"
import type { TabDocument } from "./tab-document.ts"

/** Resolves when `holds` of the document's state. Meanwhile the document stays connected. */
export function whenState(document: TabDocument, holds: (state: DocumentState) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds(document.known.state)) return
      stop()
      resolve()
    }
    const stop = document.watch(look)
    look()
  })
}
