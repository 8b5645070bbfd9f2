import { cookies } from "next/headers"
import { seedTracker, trackerId } from "../lf.server"
import { signInAs } from "./account/actions"
import { cookieName, userOf } from "./account/session"
import { TrackerPage } from "./issues/tracker-page"

interface Props {
  readonly searchParams: Promise<{ readonly refused?: string }>
}

export default async function Page({ searchParams }: Props) {
  const user = userOf((await cookies()).get(cookieName)?.value)
  if (user === null) return <SignIn isRefused={(await searchParams).refused !== undefined} />
  await seedTracker()
  return <TrackerPage doc={trackerId} user={user} />
}

function SignIn({ isRefused }: { isRefused: boolean }) {
  return (
    <main className="sign-in">
      <h1>Tracker</h1>
      <p>5,000 issues in a database in your browser. Say who you are; there is no password in this demo.</p>
      <form action={signInAs}>
        <input name="name" aria-label="Your name" placeholder="Your name" required maxLength={40} autoComplete="name" />
        <button type="submit" className="main-button">
          Sign in
        </button>
      </form>
      {isRefused && <p role="alert">A name needs at least one letter from a to z, or a digit.</p>}
    </main>
  )
}
