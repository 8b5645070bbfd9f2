"use client"

import { useSyncExternalStore } from "react"

/** False on the server and at the first render, which must show what the server sent. */
export function useIsClient(): boolean {
  return useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  )
}
