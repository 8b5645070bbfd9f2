"use client"
// What Next and lf know of the network, above pages between which Next navigates.
import { LfProvider, newId, sql, useConnectionStatus, useMutation, useQuery, useSyncStatus } from "@lf/react"
import { useOffline } from "next/offline"
import { type ReactNode, useState, useTransition } from "react"
import { connectWorker } from "../lf/connect"
import { AddTodo } from "../lf/todo-mutations"
import { addOnServer, ask } from "./actions"

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <LfProvider doc="offline" worker={connectWorker}>
      <States />
      <Todos />
      <Action name="ask" action={ask} />
      <Action name="add on the server" action={() => addOnServer(newId())} />
      {children}
    </LfProvider>
  )
}

function States() {
  const isOffline = useOffline()
  const { status } = useConnectionStatus()
  const { pending } = useSyncStatus()
  return (
    <>
      <output data-testid="next">{isOffline ? "offline" : "online"}</output>
      <output data-testid="lf">{status}</output>
      <output data-testid="pending">{pending}</output>
    </>
  )
}

function Todos() {
  const { data } = useQuery(sql<{ title: string }>`select title from todos order by rowid`)
  const add = useMutation(AddTodo)
  return (
    <>
      <output data-testid="todos">{data?.map(({ title }) => title).join() ?? "waiting"}</output>
      <button type="button" onClick={() => add.mutate({ id: newId(), title: `todo ${data?.length}` })}>
        add
      </button>
    </>
  )
}

/** Shows what the Server Action answered. */
function Action({ name, action }: { name: string; action: () => Promise<string> }) {
  const [answer, setAnswer] = useState("")
  const [isPending, startTransition] = useTransition()
  const run = () => startTransition(async () => setAnswer(await action()))
  return (
    <>
      <button type="button" onClick={run}>
        {name}
      </button>
      <output aria-label={`answer to ${name}`}>{isPending ? "waiting" : answer}</output>
    </>
  )
}
