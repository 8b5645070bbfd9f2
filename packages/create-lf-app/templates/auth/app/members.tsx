"use client"

import { useConnectionStatus, useDocument, useMutation } from "@lf/react"
import { useState } from "react"
import { Invite, type Member, RemoveMember } from "./lf/members"

export function Members({ me, members }: { me: Member; members: readonly Member[] }) {
  const remove = useMutation(RemoveMember)
  const isOwner = me.role === "owner"
  return (
    <section className="members" aria-label="Members">
      <h2>Members</h2>
      <ul>
        {members.map(({ user, name, role }) => (
          <li key={user} data-testid="member">
            <span>{name}</span> <span className="quiet">{role}</span>
            {isOwner && role !== "owner" && (
              <button type="button" aria-label={`Remove ${name}`} onClick={() => remove.mutate({ user })}>
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {isOwner && <NewInvite />}
    </section>
  )
}

function NewInvite() {
  const { id } = useDocument()
  const { status } = useConnectionStatus()
  const invite = useMutation(Invite)
  const [role, setRole] = useState<"editor" | "viewer">("editor")
  const [link, setLink] = useState<string | null>(null)

  async function make() {
    setLink(null)
    const token = crypto.randomUUID()
    await invite.mutateAsync({ hash: await sha256(token), role })
    // Behind the #: it is in no server's log.
    setLink(`${location.origin}/join#${id}.${token}`)
  }

  return (
    <div className="row">
      <select
        aria-label="Role"
        value={role}
        onChange={({ target }) => setRole(target.value === "viewer" ? "viewer" : "editor")}
      >
        <option value="editor">can edit</option>
        <option value="viewer">can read</option>
      </select>
      <button type="button" onClick={make} disabled={status !== "connected"}>
        Make an invitation
      </button>
      {link && (
        <label className="wide">
          For one person, for a week:
          <input readOnly value={link} onFocus={({ target }) => target.select()} />
        </label>
      )}
      {invite.error && <p role="alert">{invite.error.message}</p>}
    </div>
  )
}

async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
