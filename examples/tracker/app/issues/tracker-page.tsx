"use client"

import { LfProvider } from "@lf/react"
import { useUser } from "../account/device"
import { SignIn } from "../account/sign-in"
import { connectWorker } from "../lf/connect"
import { mutator } from "../lf/mutators"
import { trackerId } from "../lf/values"
import { Supported } from "./supported"
import { Tracker } from "./tracker"
import { usePlace } from "./use-place"

/** The database and the user are the browser's: the server renders their place alone. */
export function TrackerPage() {
  const user = useUser()
  const [place, goTo] = usePlace()
  if (user === undefined) return <main className="opening" aria-busy="true" />
  if (user === null) return <SignIn />
  return (
    <LfProvider doc={trackerId} user={user.id} worker={connectWorker} mutator={mutator}>
      <Supported>
        <Tracker user={user} place={place} goTo={goTo} />
      </Supported>
    </LfProvider>
  )
}
