"use server"

import { createHash } from "node:crypto"
import { isDocId, isLfError, sql } from "@lf/core"
import { headers } from "next/headers"
import { userOf } from "../../auth.server"
import { lf } from "../../lf.server"
import { AcceptInvite } from "../lf/members"

/** Makes the signed-in user a member. What comes from the page is checked: anyone can call this. */
export async function acceptInvite(list: string, token: string): Promise<"joined" | "signed out" | "gone"> {
  const user = await userOf(await headers())
  if (user === null) return "signed out"
  if (typeof list !== "string" || typeof token !== "string" || !isDocId(list)) return "gone"
  const hash = createHash("sha256").update(token).digest("hex")
  const document = lf.document(list, { as: "system" })
  try {
    // A mutation would create a list that does not exist, a query does not.
    await document.query(sql`select 1 from list`)
  } catch (error) {
    if (isLfError(error) && error.code === "DOC_NOT_FOUND") return "gone"
    throw error
  }
  const outcome = await document.mutate(AcceptInvite, { hash, user: user.id, name: user.name })
  return outcome.type === "applied" ? "joined" : "gone"
}
