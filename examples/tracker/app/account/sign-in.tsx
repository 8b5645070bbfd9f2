"use client"

import { useActionState, useState } from "react"
import { signInAs } from "./actions"
import { rememberUser } from "./device"

const unreachable = "The server did not answer. Signing in needs it, once. Try it again in a moment."
const badName = "A name needs at least one letter or digit, of any script."

export function SignIn() {
  const [problem, submit, isSending] = useActionState(signIn, null)
  // React empties a form after its action; what was refused is to be corrected.
  const [name, setName] = useState("")
  return (
    <main className="sign-in">
      <h1>Tracker</h1>
      <p>5,000 issues in a database in your browser. Say who you are; there is no password in this demo.</p>
      <form action={submit}>
        <input
          name="name"
          aria-label="Your name"
          aria-invalid={problem === badName}
          aria-describedby={problem === null ? undefined : "sign-in-problem"}
          placeholder="Your name"
          required
          maxLength={40}
          autoComplete="name"
          dir="auto"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {/* Not `disabled`: the button would lose the focus, and a refusal leaves it to be pressed again. */}
        <button type="submit" className="main-button" aria-disabled={isSending}>
          Sign in
        </button>
      </form>
      {problem !== null && (
        <p id="sign-in-problem" role="alert">
          {problem}
        </p>
      )}
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
