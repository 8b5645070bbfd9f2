"use client"

import { useDocument } from "@lf/react"
import { useEffect, useSyncExternalStore } from "react"
import { storedText } from "../stored-text"

const wish = storedText("lf.offline")
const isWished = () => wish.read() === "yes"

/**
 * The wish to work offline. The worker obeys it for all tabs; it is written down so that every tab's switch shows it, and so that
 * it outlives the worker.
 */
export function useOfflineSwitch(): readonly [boolean, (isOffline: boolean) => void] {
  const { setOnline } = useDocument()
  const isOffline = useSyncExternalStore(wish.subscribe, isWished, () => false)

  useEffect(() => {
    if (isOffline) setOnline(false)
  }, [isOffline, setOnline])

  const setOffline = (isOffline: boolean) => {
    wish.write(isOffline ? "yes" : null)
    setOnline(!isOffline)
  }
  return [isOffline, setOffline]
}
