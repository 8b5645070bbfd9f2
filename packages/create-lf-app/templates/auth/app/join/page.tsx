"use client"

import { useRouter } from "next/navigation"
import { useState } from "react"
import { AccountBar, SignInLink } from "../account/account-bar"
import { acceptInvite } from "../account/actions"
import { useUser } from "../account/device"
import "../account/account.css"

/** An invitation's address: /join#<list>.<secret> */
export default function Join() {
  const router = useRouter()
  const user = useUser()
  const [isBusy, setBusy] = useState(false)
  const [answer, setAnswer] = useState<string | null>(null)

  async function join() {
    if (isBusy) return
    const [list = "", token = ""] = location.hash.slice(1).split(".")
    setBusy(true)
    const result = await acceptInvite(list, token).catch(() => "failed" as const)
    setBusy(false)
    if (result === "joined") router.push(`/l/${list}`)
    else setAnswer(sentences[result])
  }

  return (
    <>
      <AccountBar />
      <main className="account">
        <h1>You are invited to a list</h1>
        {user === null && (
          <p>
            <SignInLink>Sign in</SignInLink> or make an account to join.
          </p>
        )}
        {user && (
          <button type="button" className="main" onClick={join} aria-disabled={isBusy}>
            Join as {user.name}
          </button>
        )}
        {answer && <p role="alert">{answer}</p>}
      </main>
    </>
  )
}

const sentences = {
  "signed out": "Your session has ended: sign in again.",
  gone: "This invitation was used, has expired or was withdrawn. Ask for a new one.",
  failed: "There is no network. Try again later.",
}
