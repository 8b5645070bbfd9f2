"use client"

import { useConnectionStatus } from "@lf/react"
import type { ReactNode } from "react"
import { Message } from "./message"

/** Its children, or, where lf can never run, a page that says why: a form there would only look alive. */
export function Supported({ children }: { children: ReactNode }) {
  const { error } = useConnectionStatus()
  if (error?.code !== "UNSUPPORTED") return children
  return (
    <div data-testid="error-notice" data-code={error.code}>
      <Message title="This browser cannot run the list">
        {window.isSecureContext
          ? "It lacks something that the list needs. Any current browser on a computer has it."
          : "At an address without https a browser does not let a page keep data safely. Open the list by its https address."}{" "}
        The details: {error.message}. You can still read the <a href="/docs">documentation</a>.
      </Message>
    </div>
  )
}
