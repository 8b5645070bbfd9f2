"use client"

// Who signed in on this device last: offline the server cannot say. The server trusts none of it.
import { useMemo, useSyncExternalStore } from "react"
import type { User } from "./session"

const key = "tracker-user"
const listeners = new Set<() => void>()

/** Undefined while the page is the server's. */
export function useUser(): User | null | undefined {
  const text = useSyncExternalStore(watch, read, () => undefined)
  return useMemo(() => (text === undefined ? undefined : (JSON.parse(text) as User | null)), [text]) // remembered below
}

export function rememberUser(user: User | null): void {
  localStorage.setItem(key, JSON.stringify(user))
  for (const listener of listeners) listener()
}

const read = () => localStorage.getItem(key) ?? "null"

/** Other tabs of this browser, and this one. */
function watch(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener("storage", listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener("storage", listener)
  }
}
