"use client"

import { usePersistence, useSyncStatus } from "@lf/react"
import { type MouseEvent, useState } from "react"
import { focusInstead } from "../chrome/focus-instead"
import { useSettledStatus } from "../chrome/use-settled-status"

/**
 * Offers to keep what waits on this device alone, where the browser would remove it if it were short of space. lf asks once by
 * itself; this asks again, since a browser that decides by itself may think otherwise by now.
 */
export function KeepButton() {
  const { isPersistent, ask } = usePersistence()
  const { pending, isDurable } = useSyncStatus()
  const isOffline = useSettledStatus() === "offline"
  const [wasRefused, setWasRefused] = useState(false)
  if (isPersistent !== false || !isDurable || !isOffline || pending === 0) return null

  const handleClick = (event: MouseEvent<HTMLElement>) => {
    focusInstead(event)
    void ask().then((isKept) => setWasRefused(!isKept))
  }

  return (
    <p data-testid="keep">
      {pending === 1 ? "One change is" : `${pending} changes are`} on this device alone.{" "}
      {wasRefused ? (
        <span role="status">The browser keeps them unless it is short of space.</span>
      ) : (
        <button type="button" className="text-button" onClick={handleClick}>
          Keep on this device
        </button>
      )}
    </p>
  )
}
