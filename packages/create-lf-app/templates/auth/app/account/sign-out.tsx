"use client"

import { isLfError } from "@lf/core"
import { useLf } from "@lf/react"
import { createAuthClient } from "better-auth/client"
import Link from "next/link"
import { useState } from "react"
import { rememberUser } from "./device"

const client = createAuthClient()

/** Lists with changes that the server does not have are asked about; then all lists are removed from this device. */
export function SignOut() {
  const lf = useLf()
  const [step, setStep] = useState<"ask" | "ask again" | "busy">("ask")
  const [problem, setProblem] = useState<string | null>(null)

  async function signOut(pending: "refuse" | "discard") {
    if (step === "busy") return
    setStep("busy")
    setProblem(null)
    try {
      await lf.signOut({ wipe: true, pending, end: endSession })
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
          aria-disabled={step === "busy"}
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

/** Every tab leaves the user's lists. */
async function endSession(): Promise<void> {
  const { error } = await client.signOut()
  if (error) throw new Error(error.message)
  rememberUser(null)
}

function isUnsent(error: unknown): boolean {
  return isLfError(error) && error.code === "PENDING_REFUSED"
}
