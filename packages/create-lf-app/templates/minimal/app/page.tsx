"use client"

import { LfProvider, newId, sql, useMutation, useQuery } from "@lf/react"
import type { SubmitEvent } from "react"
import { connectWorker } from "./lf/connect"
import { AddNote, mutator } from "./lf/mutators"

/** One document for all users. An app has as many as it wants: `doc` is the name of one. */
export default function Page() {
  return (
    <LfProvider doc="notes" worker={connectWorker} mutator={mutator}>
      <Notes />
    </LfProvider>
  )
}

export function Notes() {
  const notes = useQuery(sql<"notes">`select id, text from notes order by created_at desc, id`)
  const add = useMutation(AddNote)

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const text = String(new FormData(event.currentTarget).get("text")).trim()
    if (text === "") return
    add.mutate({ id: newId(), text })
    event.currentTarget.reset()
  }

  return (
    <main>
      <h1>Notes</h1>
      {/* "dialog": Enter before hydration does nothing, instead of leaving the page. */}
      <form method="dialog" onSubmit={submit}>
        <input name="text" aria-label="New note" maxLength={200} autoComplete="off" />{" "}
        <button type="submit">Add</button>
      </form>
      <ul aria-busy={notes.isPending}>
        {notes.data?.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
    </main>
  )
}
