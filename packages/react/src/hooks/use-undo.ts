"use client"
import type { Outcome } from "@lf/core"
import { useCallback, useMemo, useSyncExternalStore } from "react"
import { useDocumentHandle } from "./document-handle.ts"

export interface UndoResult {
  /**
   * Undoes this tab's last mutation in the document that is not undone, at once; resolves with the server's decision. It is
   * rejected with `undo-conflict` when a row of it was changed since; with `undo-gone` when 500 mutations came
   * after it, or when it changed more than 1,000 rows or 64 KiB; with `undo-nothing` when there is none.
   * @throws what `mutate` throws when the mutation is not kept on this device
   */
  undo(): Promise<Outcome>
  /** Does again what was undone last. A new mutation ends that. */
  redo(): Promise<Outcome>
  readonly canUndo: boolean
  readonly canRedo: boolean
}

const NOTHING = { undo: 0, redo: 0 }

/**
 * Undo and redo of what this tab did in the document, without inverse mutators: rows become what they were. The app's
 * migrations must have `undoLog`; `authorize` is asked for the mutation "lf.undo". Up to 100 mutations, as long as the page
 * uses the document.
 *
 * @example
 * const { undo, redo, canUndo, canRedo } = useUndo()
 * return <button type="button" disabled={!canUndo} onClick={() => void undo()}>Undo</button>
 */
export function useUndo(): UndoResult {
  const handle = useDocumentHandle("useUndo")
  const watch = useCallback(
    (onChange: () => void) => {
      const { live } = handle
      const stop = live.undo.watch(onChange)
      const leave = live.retain()
      return () => {
        stop()
        leave()
      }
    },
    [handle],
  )
  const depth = useSyncExternalStore(
    watch,
    () => handle.undoDepth,
    () => NOTHING,
  )
  const calls = useMemo(() => ({ undo: () => handle.live.undo.undo(), redo: () => handle.live.undo.redo() }), [handle])
  return { ...calls, canUndo: depth.undo > 0, canRedo: depth.redo > 0 }
}
