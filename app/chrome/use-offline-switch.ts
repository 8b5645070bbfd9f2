"use client"

import { useDocument } from "@lf/react"
import { useEffect, useSyncExternalStore } from "react"

const key = "lf.offline"
const listeners = new Set<() => void>()

/**
 * The wish to work offline. The worker obeys it for all tabs; it is written down so that every tab's switch shows it, and so that
 * it outlives the worker.
 */
export function useOfflineSwitch(): readonly [boolean, (isOffline: boolean) => void] {
  const { setOnline } = useDocument()
  const isOffline = useSyncExternalStore(subscribe, readWish, () => false)

  useEffect(() => {
    if (isOffline) setOnline(false)
  }, [isOffline, setOnline])

  const setOffline = (wish: boolean) => {
    writeWish(wish)
    setOnline(!wish)
  }
  return [isOffline, setOffline]
}

function readWish(): boolean {
  try {
    return localStorage.getItem(key) === "yes"
  } catch {
    return false
  }
}

function writeWish(wish: boolean): void {
  try {
    if (wish) localStorage.setItem(key, "yes")
    else localStorage.removeItem(key)
  } catch {
    // No storage: the switch cannot show what it did, but it did it.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener("storage", listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener("storage", listener)
  }
}
