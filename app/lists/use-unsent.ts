"use client"

import { useConnectionStatus, useLf } from "@lf/react"
import { useEffect, useState } from "react"

export type Unsent = ReadonlyMap<string, number>

const againMs = 1_000
const none: Unsent = new Map()

/** How many changes of each document on this device wait, by its id: of those that are not open too. Null: not known yet. */
export function useUnsent(): Unsent | null {
  const { documents } = useLf()
  const { status } = useConnectionStatus()
  const [unsent, setUnsent] = useState<Unsent | null>(null)
  const isConnected = status === "connected"
  const isSome = unsent !== null && unsent.size > 0

  useEffect(() => {
    let isOver = false
    const ask = async () => {
      const known = await documents().catch(() => null)
      if (isOver || known === null) return
      const waiting = known.filter(({ pending }) => pending > 0)
      setUnsent(waiting.length === 0 ? none : new Map(waiting.map(({ id, pending }) => [id, pending])))
    }
    void ask()
    const timer = isConnected && isSome ? setInterval(ask, againMs) : undefined
    // Another tab may have written meanwhile.
    document.addEventListener("visibilitychange", ask)
    return () => {
      isOver = true
      clearInterval(timer)
      document.removeEventListener("visibilitychange", ask)
    }
  }, [documents, isConnected, isSome])
  return unsent
}
