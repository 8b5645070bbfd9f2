"use client"

import { createAuthClient } from "better-auth/client"
import Link from "next/link"
import { useRouter } from "next/navigation"
import { type SubmitEvent, useState } from "react"
import { rememberUser } from "./device"
import "./account.css"

const client = createAuthClient()

/** Signs in, or makes an account and signs in. What was written here before becomes the user's. */
export function SignForm({ isNew }: { isNew: boolean }) {
  const router = useRouter()
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)

  const other = isNew ? "/sign-in" : "/sign-up"

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault()
    if (isBusy) return
    const form = new FormData(event.currentTarget)
    const [name, email, password] = ["name", "email", "password"].map((field) => String(form.get(field) ?? ""))
    setBusy(true)
    setProblem(null)
    try {
      const { data, error } = isNew
        ? await client.signUp.email({ name, email, password })
        : await client.signIn.email({ email, password })
      if (error) return setProblem(error.message ?? `The server answered ${error.status}.`)
      rememberUser({ id: data.user.id, name: data.user.name })
      router.push(nextPath())
    } catch {
      setProblem("There is no network. What you write without an account is kept on this device meanwhile.")
    } finally {
      setBusy(false)
    }
  }

  return (
    <main className="account">
      <h1>{isNew ? "Make an account" : "Sign in"}</h1>
      <form onSubmit={submit} method="post">
        {isNew && (
          <label>
            Name
            <input name="name" autoComplete="name" required maxLength={100} />
          </label>
        )}
        <label>
          E-mail
          <input name="email" type="email" autoComplete="email" required />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete={isNew ? "new-password" : "current-password"}
            required
            minLength={8}
          />
        </label>
        {/* Not `disabled`: the button would lose the focus, and a refusal leaves it to be pressed again. */}
        <button type="submit" className="main" aria-disabled={isBusy}>
          {isNew ? "Make an account" : "Sign in"}
        </button>
        {problem && <p role="alert">{problem}</p>}
      </form>
      <p>
        {isNew ? "You have one? " : "No account yet? "}
        <Link
          href={other}
          onClick={(event) => {
            event.preventDefault()
            router.push(other + location.hash)
          }}
        >
          {isNew ? "Sign in" : "Make one"}
        </Link>
      </p>
    </main>
  )
}

/** Behind the #, where no server sees it: an invitation's secret may be in it. Another site's address is not taken. */
function nextPath(): string {
  const path = location.hash.slice(1)
  return /^\/(?![/\\])/.test(path) ? path : "/"
}
