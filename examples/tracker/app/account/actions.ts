"use server"

import { cookies } from "next/headers"
import { lf } from "../../lf.server"
import { Join } from "../lf/mutators"
import { trackerId } from "../lf/values"
import { cookieName, signed, type User, userNamed } from "./session"

/** Null: the name has nothing that an id can be made of. */
export async function signInAs(name: string): Promise<User | null> {
  const user = userNamed(name)
  if (user === null) return null
  const outcome = await lf.document(trackerId, { as: user }).mutate(Join, { name: user.name })
  if (outcome.type === "rejected") throw new Error(`${user.id} could not join: ${outcome.code}`)
  const jar = await cookies()
  jar.set(cookieName, signed(user), { httpOnly: true, sameSite: "lax", path: "/", maxAge: 60 * 60 * 24 * 30 })
  return user
}

export async function signOut(): Promise<void> {
  const jar = await cookies()
  jar.delete(cookieName)
}
