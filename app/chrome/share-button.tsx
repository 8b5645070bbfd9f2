"use client"

import { useEffect, useState } from "react"

const thanksMs = 2_000

/** Shares the list's link by the system's own sheet, or copies it. */
export function ShareButton() {
  const [isCopied, setIsCopied] = useState(false)

  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setIsCopied(false), thanksMs)
    return () => clearTimeout(timer)
  }, [isCopied])

  const share = async () => {
    const url = location.origin + location.pathname
    try {
      if (navigator.share) await navigator.share({ title: "todos", url })
      else {
        await navigator.clipboard.writeText(url)
        setIsCopied(true)
      }
    } catch (error) {
      // The sheet was closed: nothing to do. Without permission to copy, show the link to be copied by hand.
      if (error instanceof Error && error.name !== "AbortError") window.prompt("The list's link", url)
    }
  }

  return (
    <>
      <button type="button" className="share" data-testid="share-button" onClick={share}>
        {isCopied ? "Copied" : "Share"}
      </button>
      {/* Beside the button: screen readers do not read a live region inside one. */}
      <span className="spoken" role="status" aria-label="Sharing">
        {isCopied && "The link is copied"}
      </span>
    </>
  )
}
