"use client"

import { sql, useLf } from "@lf/react"
import { useEffect } from "react"
import type { User } from "../../auth.server"
import { homeOf, KeepList, NameMe } from "../lf/members"
import { type Draft, removeDraft, useDrafts } from "./device"

/** Sends what was begun on this device, also before the user signed in, to the server, and puts it among their lists. */
export function ClaimDrafts({ user }: { user: User }) {
  const lf = useLf()
  const drafts = useDrafts()

  useEffect(() => {
    for (const draft of drafts) void claim(lf, draft, user)
  }, [lf, drafts, user])

  return null
}

async function claim(lf: ReturnType<typeof useLf>, { id, title }: Draft, user: User): Promise<void> {
  const list = lf.document(id)
  // Its page has not been open yet: it starts the list.
  if ((await list.query(sql`select 1 from list`)).length === 0) return
  // Opened as the user, the list is theirs, with all that was written signed out.
  const named = await list.mutate(NameMe, { name: user.name })
  await lf.document(homeOf(user.id)).mutate(KeepList, { id, title })
  // It stays open until the server has it.
  await named.remote
  removeDraft(id)
}
