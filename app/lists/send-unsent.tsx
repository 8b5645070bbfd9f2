"use client"

import { LfProvider, useDocument, useSyncStatus } from "@lf/react"
import { useEffect } from "react"
import { useOfflineSwitch } from "../chrome/use-offline-switch"
import { connectWorker } from "../lf/connect"
import { mutator } from "../lf/mutators"
import { changeList, useLists } from "./list-store"
import { type Unsent, useUnsent } from "./use-unsent"

/** So many lists are opened at a time. */
const atOnceMax = 8

/** Sends what waits in lists that are not open, which nothing else does. */
export function SendUnsent({ unsent }: { unsent: Unsent }) {
  return [...unsent.keys()].slice(0, atOnceMax).map((id) => <Opened key={id} id={id} />)
}

/** An open document sends what waits in it. */
function Opened({ id }: { id: string }) {
  return (
    <LfProvider doc={id} worker={connectWorker} mutator={mutator}>
      <Held />
    </LfProvider>
  )
}

/** A document is open while its state is shown. One that was offline by choice goes online with the wish for it. */
function Held() {
  const { setOnline } = useDocument()
  const [isOffline] = useOfflineSwitch()
  useSyncStatus()
  useEffect(() => setOnline(!isOffline), [setOnline, isOffline])
  return null
}

/** On a list's page: the others that the index says are not sent. Without any it asks for nothing. */
export function SendOthers() {
  const { id } = useDocument()
  const areWaiting = useLists().some((list) => list.isUnsent && list.id !== id)
  return areWaiting && <SendAsked here={id} />
}

function SendAsked({ here }: { here: string }) {
  const unsent = useUnsent()
  const lists = useLists()
  useEffect(() => {
    if (unsent === null) return
    for (const { id, isUnsent } of lists)
      if (isUnsent && id !== here && !unsent.has(id)) changeList(id, { isUnsent: false })
  }, [lists, unsent, here])
  if (unsent === null) return null
  return <SendUnsent unsent={new Map([...unsent].filter(([id]) => id !== here))} />
}
