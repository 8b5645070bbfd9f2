"use client"
import { notifyManager } from "@tanstack/react-query"
import { useEffect } from "react"
import { useDocumentHandle } from "./document-handle.ts"

/**
 * Measures when the document's changes are on the screen: an entry `lf.shown` of the browser's User Timing for the newest of
 * them, from its arrival in this page until the frame that has its rows. `detail` has `doc` and `lsn`, which the server's span
 * of the mutation has as `lf.lsn`. Changes that come while one is measured are measured together with the next. It costs a
 * message to the worker for each.
 */
export function useShownTiming(): void {
  const handle = useDocumentHandle("useShownTiming")
  useEffect(() => {
    const { live, doc } = handle
    let shownLsn = live.known.state.lsn
    let isMeasuring = false
    let isOver = false
    const look = async () => {
      const { lsn } = live.known.state
      if (isMeasuring || isOver || lsn <= shownLsn) return
      isMeasuring = true
      const start = performance.now()
      try {
        await live.requests.delivered()
        await new Promise<void>((resolve) => notifyManager.schedule(resolve))
        await painted()
        if (!isOver) {
          performance.measure("lf.shown", { start, end: performance.now(), detail: { doc, lsn } })
          performance.clearMeasures("lf.shown")
        }
      } catch {
        // The worker ended: its successor's first rows are measured.
      }
      shownLsn = lsn
      isMeasuring = false
      void look()
    }
    const stop = live.watch(() => void look())
    return () => {
      isOver = true
      stop()
    }
  }, [handle])
}

/** A hidden page paints nothing, and waits until it is shown. */
function painted(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
}
