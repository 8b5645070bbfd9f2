"use client"

import { useActionState } from "react"
import { signInAs } from "./actions"
import { rememberUser } from "./device"

const unreachable = "The server cannot be reached. Signing in needs it, once."
const badName = "A name needs at least one letter from a to z, or a digit."

export function SignIn() {
  const [problem, submit, isSending] = useActionState(signIn, null)
  return (
    <main className="sign-in">
      <h1>Tracker</h1>
      <p>5,000 issues in a database in your browser. Say who you are; there is no password in this demo.</p>
      <form action={submit}>
        <input name="name" aria-label="Your name" placeholder="Your name" required maxLength={40} autoComplete="name" />
        <button type="submit" className="main-button" disabled={isSending}>
          Sign in
        </button>
      </form>
      {problem !== null && <p role="alert">{problem}</p>}
    </main>
  )
}

/** What went wrong, or null. */
async function signIn(_previous: string | null, form: FormData): Promise<string | null> {
  try {
    const user = await signInAs(String(form.get("name")))
    if (user === null) return badName
    rememberUser(user)
    return null
  } catch {
    return unreachable
  }
}
