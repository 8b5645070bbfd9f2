import type { DocumentHandle } from "./document-handle.ts"

// Development: what the providers of this page show, for devtools that are rendered outside of them.

const watchers = new Set<() => void>()
let handles: readonly DocumentHandle[] = []

/** A provider shows the document. Returns its undo. */
export function showHandle(handle: DocumentHandle): () => void {
  change([...handles, handle])
  return () => change(handles.filter((other) => other !== handle))
}

/** In the order in which they came. */
export function shownHandles(): readonly DocumentHandle[] {
  return handles
}

export function watchShownHandles(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

function change(to: readonly DocumentHandle[]): void {
  handles = to
  for (const watcher of [...watchers]) watcher()
}
