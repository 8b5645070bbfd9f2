"use client"

import { useConnectionStatus } from "@lf/react"
import type { ReactNode } from "react"

/** Its children, or, where a browser can never run the tracker, a page that says why. */
export function Supported({ children }: { children: ReactNode }) {
  const { error } = useConnectionStatus()
  if (error?.code !== "UNSUPPORTED") return children
  return (
    <Message title="This browser cannot run the tracker">
      {window.isSecureContext
        ? "The database of the issues needs something that this browser does not have. Current browsers on a computer do."
        : "A page may keep data only at an address that begins with https. Open the tracker there."}{" "}
      In detail: {error.message}.
    </Message>
  )
}

/** A whole page that says one thing. */
export function Message({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="message">
      <h1>{title}</h1>
      <p>{children}</p>
    </main>
  )
}
