"use client"

import { LfProvider, newId, useDocument, useQuery } from "@lf/react"
import { HydrationBoundary } from "@tanstack/react-query"
import { useRouter } from "next/navigation"
import { type ComponentProps, useState } from "react"
import { connectWorker } from "../lf/connect"
import { addTodo } from "./actions"
import { allTodos, DOC } from "./queries"

export function Live({ state }: { state: ComponentProps<typeof HydrationBoundary>["state"] }) {
  return (
    <LfProvider doc={DOC} worker={connectWorker}>
      <HydrationBoundary state={state}>
        <Rows />
        <Adder />
      </HydrationBoundary>
    </LfProvider>
  )
}

function Rows() {
  const { data } = useQuery(allTodos)
  return <output data-testid="live">{data?.map(({ title }) => title).join() ?? "waiting"}</output>
}

/** A Server Action writes; when it is answered for, both kinds of reads show it. */
function Adder() {
  const router = useRouter()
  const doc = useDocument()
  const [seen, setSeen] = useState("")
  const add = async () => {
    const lsn = await addTodo(newId(), "from an action")
    await doc.waitFor(lsn)
    const rows = await doc.query(allTodos)
    setSeen(rows.map(({ title }) => title).join())
    router.refresh()
  }
  return (
    <>
      <button type="button" onClick={add}>
        add
      </button>
      <output data-testid="seen">{seen}</output>
    </>
  )
}
