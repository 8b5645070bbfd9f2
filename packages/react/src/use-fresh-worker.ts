import type { DefinedMutation } from "@lf/core"
import { useEffect } from "react"
import type { TabDocument } from "./tab/tab-document.ts"

const seen = new Map<string, object>()

/**
 * Development: the bundler swaps edited mutators into the page, but not into a worker that runs. When a mutation of a
 * known name is another object, the page's code is newer, and the worker is asked to start over.
 */
export function useFreshWorker<Args>(document: TabDocument, mutation: DefinedMutation<Args>): void {
  useEffect(() => {
    if (process.env.NODE_ENV !== "development") return
    const before = seen.get(mutation.name)
    seen.set(mutation.name, mutation)
    if (before !== undefined && before !== mutation) document.restartWorker(Date.now())
  }, [document, mutation])
}
