"use client"
import { useCallback, useSyncExternalStore } from "react"
import { persistence } from "../tab/persistence.ts"

export interface PersistenceResult {
  /** Whether the browser keeps this site's data also when it is short of space. Null: not known, or it does not say. */
  readonly isPersistent: boolean | null
  /**
   * Asks the browser to keep it; resolves to whether it does. Call it from a button: Firefox shows a question, other
   * browsers decide by themselves.
   */
  ask(): Promise<boolean>
}

/**
 * For a page that offers to keep what is on this device. Without it lf asks by itself, once per page, when changes wait and
 * there is no connection; never at a first edit.
 */
export function usePersistence(): PersistenceResult {
  const isPersistent = useSyncExternalStore(
    useCallback((notify) => persistence.watch(notify), []),
    () => persistence.isPersistent,
    () => null,
  )
  const ask = useCallback(() => persistence.ask(), [])
  return { isPersistent, ask }
}
