"use client"

import { isLfError } from "@lf/core"
import { type Document, sql, useLf } from "@lf/react"
import { createAuthClient } from "better-auth/client"
import Link from "next/link"
import { useState } from "react"
import type { User } from "../../auth.server"
import { homeOf } from "../lf/members"
import { rememberUser } from "./device"

const client = createAuthClient()
const clearTriesMax = 5
const clearPauseMs = 500

/** No list is open on this page: one that is removed is not fetched again. */
export function SignOut({ user }: { user: User }) {
  const lf = useLf()
  const [step, setStep] = useState<"ask" | "ask again" | "busy">("ask")
  const [problem, setProblem] = useState<string | null>(null)

  async function signOut(pending: "refuse" | "discard") {
    setStep("busy")
    setProblem(null)
    try {
      const home = lf.document(homeOf(user.id))
      const lists = await home.query(sql<{ id: string }>`select id from lists`)
      const documents = [...lists.map(({ id }) => lf.document(id)), home]
      if (pending === "refuse") for (const document of documents) await clearWhenSent(document)
      const { error } = await client.signOut()
      if (error) throw new Error(error.message)
      // Every tab leaves the user's lists. What they fetched meanwhile is removed now.
      rememberUser(null)
      for (const document of documents) await document.clear({ pending: "discard" })
    } catch (error) {
      setStep(isUnsent(error) ? "ask again" : "ask")
      if (!isUnsent(error)) setProblem("You are still signed in: signing out needs the network. Try again later.")
    }
  }

  return (
    <>
      {step === "ask again" ? (
        <p role="alert">Some of your changes have not reached the server. They are lost if you sign out now.</p>
      ) : (
        <p>Your lists are removed from this device. They stay on the server.</p>
      )}
      <p className="row">
        <button
          type="button"
          className="main"
          disabled={step === "busy"}
          onClick={() => signOut(step === "ask again" ? "discard" : "refuse")}
        >
          {step === "ask again" ? "Sign out and lose them" : "Sign out"}
        </button>
        <Link href="/">Stay</Link>
      </p>
      {problem && <p role="alert">{problem}</p>}
    </>
  )
}

/** What is on its way is given a moment. @throws PENDING_REFUSED */
async function clearWhenSent(document: Document): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await document.clear({ pending: "refuse" })
    } catch (error) {
      if (tries === clearTriesMax || !isUnsent(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, clearPauseMs))
    }
  }
}

function isUnsent(error: unknown): boolean {
  return isLfError(error) && error.code === "PENDING_REFUSED"
}
