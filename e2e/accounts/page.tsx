import { isLfError } from "@lf/core"
import { LfProvider, useConnectionStatus, useLf, useMutation, useQuery, useSyncStatus } from "@lf/react"
import { useState } from "react"
import { createRoot } from "react-dom/client"
import { AddNote, allNotes, endless } from "./notes.ts"

/** What a test asks for besides: another route, another worker. */
const asked = new URLSearchParams(location.search)

function connect(): SharedWorker | Worker {
  const options: WorkerOptions & { extendedLifetime: boolean } = { type: "module", name: "lf", extendedLifetime: true }
  const script = asked.get("worker") ?? "/worker.js"
  return typeof SharedWorker === "undefined" ? new Worker(script, options) : new SharedWorker(script, options)
}

/** In the address, because a killed browser forgets the newest cookies. */
function userOfAddress(): string | null {
  return location.hash.slice(1) || null
}

function setCookie(user: string | null): void {
  // biome-ignore lint/suspicious/noDocumentCookie: stands for a server's Set-Cookie
  document.cookie = `user=${user ?? ""}; path=/; max-age=${user === null ? 0 : 3600}`
}

function App() {
  const [user, setUser] = useState(userOfAddress)
  const sign = (as: string | null) => {
    location.hash = as ?? ""
    setCookie(as)
    setUser(as)
  }
  return (
    <>
      <output data-testid="user">{user ?? "anonymous"}</output>
      {[null, "ann", "ben"].map((as) => (
        <button key={as} type="button" onClick={() => sign(as)}>
          be {as ?? "anonymous"}
        </button>
      ))}
      <LfProvider doc="notes" user={user} worker={connect} url={asked.get("url") ?? undefined}>
        <Notes />
        <SignOut onSignedOut={() => sign(null)} />
        {asked.has("endless") && <Endless />}
      </LfProvider>
    </>
  )
}

function Endless() {
  const { error } = useQuery(endless)
  return <output data-testid="endless">{error?.code}</output>
}

/** And a document that nothing shows. */
function SignOut({ onSignedOut }: { onSignedOut: () => void }) {
  const lf = useLf()
  const [failure, setFailure] = useState("")
  const signOut = async (pending: "refuse" | "discard") => {
    try {
      await lf.signOut({ wipe: true, pending, end: () => setCookie(null) })
      onSignedOut()
    } catch (error) {
      setFailure(isLfError(error) ? error.code : String(error))
    }
  }
  return (
    <>
      <button type="button" onClick={() => lf.document("other").mutate(AddNote, { text: "elsewhere" })}>
        write elsewhere
      </button>
      {(["refuse", "discard"] as const).map((pending) => (
        <button key={pending} type="button" onClick={() => signOut(pending)}>
          sign out, {pending}
        </button>
      ))}
      <output data-testid="sign-out">{failure}</output>
    </>
  )
}

function Notes() {
  const notes = useQuery(allNotes)
  const add = useMutation(AddNote)
  const [kept, setKept] = useState<readonly string[]>([])
  const { status, error } = useConnectionStatus()
  const { pending } = useSyncStatus()
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const text = String(new FormData(event.currentTarget).get("text"))
          void add.mutateAsync({ text }).then(() => setKept((before) => [...before, text]))
        }}
      >
        <input name="text" />
      </form>
      <output data-testid="status" data-code={error?.code} title={error?.message}>
        {status}
      </output>
      <output data-testid="pending">{pending}</output>
      <output data-testid="kept">{kept.join()}</output>
      <output data-testid="query-error">{notes.error?.code}</output>
      <ul aria-busy={notes.isPending}>
        {(notes.data ?? []).map(({ text, author }) => (
          <li key={text}>{`${text} by ${author ?? "anonymous"}`}</li>
        ))}
      </ul>
    </>
  )
}

setCookie(userOfAddress())
const root = document.getElementById("root")
if (root !== null) createRoot(root).render(<App />)
