// Who is signed in: a name in a cookie, signed by the server. A real app has accounts; the rest is the same.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"

export const cookieName = "tracker-user"

/** Without one in the environment everyone signs in again after a restart. In the environment all bundles of the process have it. */
process.env.TRACKER_SECRET ??= randomBytes(32).toString("hex")
const secret = process.env.TRACKER_SECRET

export interface User {
  readonly id: string
  readonly name: string
}

export function userNamed(name: string): User | null {
  const id = idOf(name)
  return id === "" ? null : { id, name: name.trim().slice(0, 40) }
}

export function signed(user: User): string {
  const payload = Buffer.from(JSON.stringify(user)).toString("base64url")
  return `${payload}.${mac(payload)}`
}

export function userOf(cookie: string | undefined): User | null {
  const [payload, sign] = cookie?.split(".") ?? []
  if (payload === undefined || sign === undefined) return null
  const expected = Buffer.from(mac(payload))
  const given = Buffer.from(sign)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as User // signed here
}

function idOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40)
}

function mac(payload: string): string {
  return createHmac("sha256", secret).update(payload).digest("base64url")
}
