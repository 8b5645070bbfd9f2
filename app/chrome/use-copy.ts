"use client"

import { type RefObject, useEffect, useState } from "react"

const thanksMs = 2_000

/** `selected`: the browser refused to copy it, so it is selected, to be copied by hand. */
export type CopyState = "none" | "copied" | "selected"

/** Copies the text of a field. */
export function useCopy(field: RefObject<HTMLInputElement | null>): readonly [CopyState, () => void] {
  const [state, setState] = useState<CopyState>("none")

  useEffect(() => {
    if (state !== "copied") return
    const timer = setTimeout(() => setState("none"), thanksMs)
    return () => clearTimeout(timer)
  }, [state])

  const select = () => {
    field.current?.select()
    setState("selected")
  }
  // Where the page is served without TLS there is no clipboard at all.
  const copy = () => {
    if (navigator.clipboard === undefined) select()
    else navigator.clipboard.writeText(field.current?.value ?? "").then(() => setState("copied"), select)
  }
  return [state, copy]
}
