"use client"

import { LfProvider, newId, useDocument, useField, useMutation, useQuery } from "@lf/react"
import { HydrationBoundary } from "@tanstack/react-query"
import { useRouter } from "next/navigation"
import { type ComponentProps, useState } from "react"
import { connectWorker } from "../lf/connect"
import { RenameTodo, ToggleTodo } from "../lf/todo-mutations"
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
  return (
    <>
      <output data-testid="live">{data?.map(({ title }) => title).join() ?? "waiting"}</output>
      {data?.map((todo, index) => (
        <Bound key={todo.id} label={`${index}`} {...todo} />
      ))}
    </>
  )
}

function Bound({ id, title, done, label }: { id: string; title: string; done: number; label: string }) {
  const rename = useMutation(RenameTodo)
  const toggle = useMutation(ToggleTodo)
  const text = useField(title, (title) => rename.mutate({ id, title }))
  const box = useField(done, (done) => toggle.mutate({ id, done: done === 1 }))
  return (
    <>
      <textarea aria-label={`title ${label}`} {...text.input} />
      <input type="checkbox" aria-label={`done ${label}`} {...box.checkbox} />
    </>
  )
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
