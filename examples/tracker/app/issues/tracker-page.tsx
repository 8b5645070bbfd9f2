"use client"

import { LfProvider } from "@lf/react"
import { useSyncExternalStore } from "react"
import type { User } from "../account/session"
import { connectWorker } from "../lf/connect"
import { mutator } from "../lf/mutators"
import { Tracker } from "./tracker"

/** The database is the browser's: the server renders the page's place alone. */
export function TrackerPage({ doc, user }: { doc: string; user: User }) {
  const isClient = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  if (!isClient) return <main className="tracker" aria-busy="true" />
  return (
    <LfProvider doc={doc} user={user.id} worker={connectWorker} mutator={mutator}>
      <Tracker user={user} />
    </LfProvider>
  )
}

const never = () => () => {}
