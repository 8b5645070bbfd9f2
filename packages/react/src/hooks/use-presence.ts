"use client"
import { toLfError } from "@lf/core/internal"
import { useCallback, useEffect, useState, useSyncExternalStore } from "react"
import type { OtherPresence } from "../tab/tab-presence.ts"
import { useDocumentHandle } from "./document-handle.ts"

/** Another tab that has the document open, of any user and device. */
export interface PresenceOf<T> extends OtherPresence {
  /** What it shows. Another user's app may be of another version: look at it before you rely on it. */
  readonly value: T
}

export interface PresenceResult<T> {
  readonly others: readonly PresenceOf<T>[]
}

const NO_ONE: readonly PresenceOf<never>[] = []

/**
 * Who else has the document open, and what they show: a name, a cursor, the row that they edit. `mine` is shown to them as
 * long as this component is mounted; undefined shows nothing. Nothing of it is kept: it is gone with the tab, with the
 * connection, and while offline. `mine` is plain data of at most 4 KiB; a larger one is PRESENCE_INVALID for `onError`.
 *
 * @example const { others } = usePresence({ name, editing: todo.id })
 */
export function usePresence<T = unknown>(mine?: T): PresenceResult<T> {
  const handle = useDocumentHandle("usePresence")
  const [hook] = useState(() => ({}))
  const watch = useCallback(
    (onChange: () => void) => {
      const { live } = handle
      const stop = live.presence.watch(onChange)
      const leave = live.retain()
      return () => {
        stop()
        leave()
      }
    },
    [handle],
  )
  const others = useSyncExternalStore(
    watch,
    () => handle.presences,
    () => NO_ONE,
  )
  // Each commit: what was shown already costs a comparison in the worker.
  useEffect(() => {
    try {
      handle.live.presence.show(hook, mine)
    } catch (error) {
      handle.report(toLfError(error, "PRESENCE_INVALID"), {}, false)
    }
  }, [handle, hook, mine])
  useEffect(() => () => handle.live.presence.show(hook, undefined), [handle, hook])
  return { others: others as readonly PresenceOf<T>[] } // the author's assertion about what others show
}
