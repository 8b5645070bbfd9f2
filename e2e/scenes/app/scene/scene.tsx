"use client"
// One document per address, below a loading.tsx: what suspends here suspends above the provider.
import { LfProvider, sql, useMutation, useSuspenseQuery } from "@lf/react"
import Link from "next/link"
import { useRouter } from "next/navigation"
import { startTransition, useState } from "react"
import { connectWorker } from "../lf/connect"
import { AddTodo } from "../lf/todo-mutations"

export function Scene({ doc }: { doc: string }) {
  const router = useRouter()
  return (
    <LfProvider doc={doc} worker={connectWorker}>
      <h1>{doc}</h1>
      <Link href="/scene/a">a</Link> <Link href="/scene/b">b</Link>
      <button type="button" onClick={() => startTransition(() => router.push("/scene/c"))}>
        c in a transition
      </button>
      <Rows doc={doc} />
      <Save doc={doc} />
    </LfProvider>
  )
}

function Rows({ doc }: { doc: string }) {
  const { data } = useSuspenseQuery(sql<{ title: string }>`select title from todos order by rowid`)
  return <output data-testid="rows">{`${doc}: ${data.map(({ title }) => title).join()}`}</output>
}

const saved = { text: "nothing" }

/** Saves slowly: the user may have left the page before it ends. */
function Save({ doc }: { doc: string }) {
  const add = useMutation(AddTodo)
  const [, look] = useState(0)
  const save = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    try {
      await add.mutateAsync({ id: crypto.randomUUID(), title: `saved in ${doc}` })
      saved.text = `kept in ${doc}`
    } catch (error) {
      saved.text = String(error)
    }
  }
  return (
    <>
      <button type="button" onClick={save}>
        save
      </button>
      <button type="button" onClick={() => look((n) => n + 1)}>
        look
      </button>
      <output data-testid="saved">{saved.text}</output>
    </>
  )
}
