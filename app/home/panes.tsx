"use client"

import { LfProvider } from "@lf/react"
import { QueryClient } from "@tanstack/react-query"
import { type ReactNode, useState } from "react"
import { NoScript } from "../chrome/no-script"
import { Supported } from "../chrome/supported"
import { connectLeft, connectRight } from "../lf/connect-panes"
import { listOfVisit } from "./list-of-visit"
import { Pane } from "./pane"

/** Two clients of one list, each with a worker, a database and a connection of its own. */
export function Panes() {
  const [doc] = useState(listOfVisit)
  return (
    <section className="panes" id="try" tabIndex={-1} aria-label="Try it: two clients of one list">
      <NoScript isPart />
      {/* One inside the other: what keeps the first from running keeps the second too, and is said once. */}
      <Client doc={doc} connect={connectLeft}>
        <Supported isPart>
          <Pane name="Laptop" placeholder="Buy milk" />
          <Client doc={doc} connect={connectRight}>
            <Pane name="Phone on a train" placeholder="Feed the cat" />
          </Client>
        </Supported>
      </Client>
    </section>
  )
}

interface ClientProps {
  readonly doc: string
  readonly connect: () => SharedWorker | Worker
  readonly children: ReactNode
}

function Client({ doc, connect, children }: ClientProps) {
  const [queryClient] = useState(() => new QueryClient())
  return (
    <LfProvider doc={doc} worker={connect} queryClient={queryClient}>
      {children}
    </LfProvider>
  )
}
