"use client"

import { useEffect, useState } from "react"

/** Whether it has been so for `ms`: what is over soon does not blink. */
export function useLasts(is: boolean, ms: number): boolean {
  const [isLong, setIsLong] = useState(false)
  useEffect(() => {
    if (!is) return
    const timer = setTimeout(() => setIsLong(true), ms)
    return () => {
      clearTimeout(timer)
      setIsLong(false)
    }
  }, [is, ms])
  return is && isLong
}
