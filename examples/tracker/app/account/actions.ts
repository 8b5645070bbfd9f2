"use server"

import { cookies } from "next/headers"
import { cookieName, signed, type User, userNamed } from "./session"

/** Null: the name has no letter that an id can be made of. */
export async function signInAs(name: string): Promise<User | null> {
  const user = userNamed(name)
  if (user === null) return null
  const jar = await cookies()
  jar.set(cookieName, signed(user), { httpOnly: true, sameSite: "lax", path: "/", maxAge: 60 * 60 * 24 * 30 })
  return user
}

export async function signOut(): Promise<void> {
  const jar = await cookies()
  jar.delete(cookieName)
}
