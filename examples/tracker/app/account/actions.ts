"use server"

import { cookies } from "next/headers"
import { redirect } from "next/navigation"
import { cookieName, signIn } from "./session"

export async function signInAs(form: FormData): Promise<void> {
  let value: string
  try {
    value = signIn(String(form.get("name") ?? ""))
  } catch {
    redirect("/?refused=name")
  }
  const jar = await cookies()
  jar.set(cookieName, value, { httpOnly: true, sameSite: "lax", path: "/", maxAge: 60 * 60 * 24 * 30 })
  redirect("/")
}

export async function signOut(): Promise<void> {
  const jar = await cookies()
  jar.delete(cookieName)
}
