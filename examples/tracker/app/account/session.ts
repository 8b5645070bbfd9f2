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

/** A name in any script. Null: no letter and no digit is in it. */
export function userNamed(name: string): User | null {
  const shown = cut(name.normalize("NFC").replace(/\s+/g, " ").trim())
  const id = idOf(shown)
  return id === "" ? null : { id, name: shown }
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

/** Names that look alike are one user: "ADA" is "ada". Accents make another one. */
function idOf(name: string): string {
  const words =
    name
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  const id = cut(words.join("-")).replace(/-$/, "")
  return /[\p{L}\p{N}]/u.test(id) ? id : ""
}

/** Whole characters: half of one is no text. */
const cut = (text: string) => text.match(/^.{0,40}/su)?.[0].trim() ?? ""

function mac(payload: string): string {
  return createHmac("sha256", secret).update(payload).digest("base64url")
}
