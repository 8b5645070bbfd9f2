import type { LfError } from "@lf/core"
import { useEffect, useRef } from "react"
import type { DocumentHandle } from "./document-handle.ts"

/** Reading one of these in a render handles the error. */
const ERROR_PROPS: ReadonlySet<PropertyKey> = new Set([
  "error",
  "isError",
  "status",
  "isLoadingError",
  "isRefetchError",
  "failureReason",
])

/** A result that records whether its error was read. */
export function noteReads<T extends object>(result: T, taken: { current: boolean }): T {
  return new Proxy(result, {
    get(target, name) {
      if (ERROR_PROPS.has(name)) taken.current = true
      return Reflect.get(target, name)
    },
  })
}

/** Errors that a component handled, or that were printed: all observers of a query share them. */
const settled = new WeakSet<LfError>()

/**
 * Development: an error of a query that no component reads and no listener gets is printed once (H10). In production
 * the result is returned as it is.
 */
export function useReadErrors<Result extends { readonly error: LfError | null }>(options: {
  readonly handle: DocumentHandle
  readonly result: Result
  /** An error boundary gets it. */
  readonly isThrown: boolean
}): Result {
  const { handle, result, isThrown } = options
  const taken = useRef(false)
  const error = process.env.NODE_ENV === "development" ? result.error : null
  useEffect(() => {
    if (error === null || settled.has(error)) return
    const isReported = handle.client.getQueryCache().config.onError !== undefined
    if (taken.current || isThrown || isReported) settled.add(error)
    // After the effects of this commit's other components, which may handle it.
    queueMicrotask(() => {
      if (settled.has(error)) return
      settled.add(error)
      handle.live.errors.printUnlessTaken(error, false)
    })
  }, [error, handle, isThrown])
  return process.env.NODE_ENV === "development" ? noteReads(result, taken) : result
}
