"use client"

import type { MouseEvent } from "react"

/** Moves the focus over the toolbar. Not by the address: its fragment is the filter. */
export function SkipLink() {
  const handleClick = (event: MouseEvent) => {
    event.preventDefault()
    document.getElementById("list")?.focus()
  }
  return (
    // biome-ignore lint/a11y/useValidAnchor: it leads to a place of the page, and only leaves the address as it is
    <a className="skip" href="#list" onClick={handleClick}>
      Skip to the list
    </a>
  )
}
