"use client"

import Link from "next/link"
import { useRouter } from "next/navigation"
import { useEffect } from "react"
import { useUser } from "./device"
import "./account.css"

/** The same height in every state: nothing below it moves. */
export function AccountBar() {
  const user = useUser()
  const id = user?.id

  // The session's cookie is good for a week: each visit renews it.
  useEffect(() => {
    if (id !== undefined) void fetch("/api/auth/get-session").catch(() => undefined)
  }, [id])

  return (
    <nav className="account-bar">
      <Link href="/">Lists</Link>
      {user && (
        <span>
          {user.name} <Link href="/sign-out">Sign out</Link>
        </span>
      )}
      {user === null && <SignInLink>Sign in</SignInLink>}
    </nav>
  )
}

/** Leads back to where it was clicked. */
export function SignInLink({ children }: { children: string }) {
  const router = useRouter()
  return (
    <Link
      href="/sign-in"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        router.push(`/sign-in#${location.pathname}${location.hash}`)
      }}
    >
      {children}
    </Link>
  )
}
