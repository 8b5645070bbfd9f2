import type { DefinedMutation, Mutator } from "@lf/core"
import { useEffect, useRef } from "react"
import type { DocumentHandle } from "./document-handle.ts"

const seen = new Map<string, object>()

/**
 * Development: the bundler swaps edited mutators into the page, but not into a running worker. When a mutation of a
 * known name is another object, the page's code is newer, and the worker is restarted.
 */
export function useDevWorkerRestart<Args>(handle: DocumentHandle, mutation: DefinedMutation<Args>): void {
  useEffect(() => {
    if (process.env.NODE_ENV !== "development") return
    const before = seen.get(mutation.name)
    seen.set(mutation.name, mutation)
    if (before !== undefined && before !== mutation) handle.live.restartWorker(Date.now())
  }, [handle, mutation])
}

/** Development: as above, when any part of the app's mutator was edited, as a migration is that no component names. */
export function useWorkerOfMutator(handle: DocumentHandle, mutator: Mutator | undefined): void {
  const before = useRef(mutator)
  useEffect(() => {
    if (process.env.NODE_ENV !== "development" || before.current === mutator) return
    before.current = mutator
    handle.live.restartWorker(Date.now())
  }, [handle, mutator])
}

/**
 * Development: a worker outlives a reload (`extendedLifetime`, another tab), and its address does not change with its
 * code. A worker that is older than this page's load may run mutators from before an edit: it is restarted.
 */
export function useWorkerOfThisLoad(handle: DocumentHandle): void {
  useEffect(() => {
    if (process.env.NODE_ENV === "development") handle.live.restartWorker(performance.timeOrigin)
  }, [handle])
}
