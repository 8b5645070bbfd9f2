"use client"

import { LfProvider } from "@lf/react"
import Link from "next/link"
import { useUser } from "../account/device"
import { SignOut } from "../account/sign-out"
import { connectWorker } from "../lf/connect"
import { homeOf } from "../lf/members"
import "../account/account.css"

export default function SignOutPage() {
  const user = useUser()
  return (
    <main className="account">
      <h1>Sign out</h1>
      {user && (
        <LfProvider doc={homeOf(user.id)} user={user.id} worker={connectWorker}>
          <SignOut />
        </LfProvider>
      )}
      {user === null && (
        <p>
          You are signed out. <Link href="/">Lists</Link>
        </p>
      )}
    </main>
  )
}
