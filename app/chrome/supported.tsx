"use client"

import { useConnectionStatus } from "@lf/react"
import type { ReactNode } from "react"
import { Message, PartMessage } from "./message"

interface SupportedProps {
  /** It stands in a part of a page, not for the whole of it. */
  readonly isPart?: boolean
  /** Of what the page's skip link leads to, if that is among the children. */
  readonly id?: string
  readonly children: ReactNode
}

/** Its children, or, where lf can never run, what says why: a form there would only look alive. */
export function Supported({ isPart = false, id, children }: SupportedProps) {
  const { error } = useConnectionStatus()
  if (error?.code !== "UNSUPPORTED") return children
  const Place = isPart ? PartMessage : Message
  return (
    <div
      id={id}
      tabIndex={id === undefined ? undefined : -1}
      className={isPart ? "part" : undefined}
      data-testid="error-notice"
      data-code={error.code}
    >
      <Place title="This browser cannot run the database">
        {window.isSecureContext
          ? "It lacks web workers or web locks, or does not let this page use them. Any current browser has both."
          : "At an address without https a browser does not let a page keep data safely. Open this page by its https address."}{" "}
        You can still read the <a href="/docs">documentation</a>.
      </Place>
    </div>
  )
}
