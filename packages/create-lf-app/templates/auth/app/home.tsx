"use client"

import { LfProvider, newId, sql, useQuery } from "@lf/react"
import Link from "next/link"
import { useRouter } from "next/navigation"
import type { ReactNode, SubmitEvent } from "react"
import { AccountBar, SignInLink } from "./account/account-bar"
import { ClaimDrafts } from "./account/claim-drafts"
import { addDraft, type Draft, useDrafts, useUser } from "./account/device"
import { connectWorker } from "./lf/connect"
import { homeOf } from "./lf/members"
import { mutator } from "./lf/mutators"
import "./account/account.css"

export function Home() {
  const user = useUser()
  const drafts = useDrafts()
  if (user === undefined) return <Frame />
  if (user === null) {
    return (
      <Frame>
        <Lists lists={drafts} />
        <p>
          What you write is kept on this device. <SignInLink>Sign in</SignInLink> to have it everywhere and to share it.
        </p>
      </Frame>
    )
  }
  return (
    <LfProvider doc={homeOf(user.id)} user={user.id} worker={connectWorker} mutator={mutator}>
      <ClaimDrafts user={user} />
      <Frame>
        <KeptLists drafts={drafts} />
      </Frame>
    </LfProvider>
  )
}

function Frame({ children }: { children?: ReactNode }) {
  return (
    <>
      <AccountBar />
      <main className="account">
        <h1>Lists</h1>
        <NewList />
        {children}
      </main>
    </>
  )
}

function NewList() {
  const router = useRouter()

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    const title = String(new FormData(event.currentTarget).get("title")).trim()
    if (title === "") return
    const id = newId()
    addDraft({ id, title })
    router.push(`/l/${id}`)
  }

  return (
    <form method="dialog" className="row" onSubmit={submit}>
      <input name="title" aria-label="New list" placeholder="Name of a new list" maxLength={100} autoComplete="off" />
      <button type="submit" className="main">
        Begin
      </button>
    </form>
  )
}

function KeptLists({ drafts }: { drafts: readonly Draft[] }) {
  const kept = useQuery(sql<"lists">`select id, title from lists order by title, id`)
  const ids = new Set(kept.data?.map(({ id }) => id))
  return (
    <>
      {kept.error && <p role="alert">{kept.error.message}</p>}
      <Lists lists={[...(kept.data ?? []), ...drafts.filter(({ id }) => !ids.has(id))]} />
    </>
  )
}

function Lists({ lists }: { lists: readonly Draft[] }) {
  return (
    <ul className="cards">
      {lists.map(({ id, title }) => (
        <li key={id}>
          <Link href={`/l/${id}`}>{title}</Link>
        </li>
      ))}
    </ul>
  )
}
