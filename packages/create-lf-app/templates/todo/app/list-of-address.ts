"use client"

import { usePathname } from "next/navigation"
import { useSyncExternalStore } from "react"

const never = () => () => {}

/** The id in the address /l/<id>; undefined: in none. Null while the page is the server's, which is the same for all. */
export function useListOfAddress(): string | null | undefined {
  const path = usePathname()
  const isHydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  return isHydrated ? /^\/l\/([\w-]{1,64})$/.exec(path)?.[1] : null
}
