import { USER_BYTES_MAX } from "@lf/core/internal"

/** Why this is no valid user: what was found, and what is expected. Null: it is valid. Never quotes the id. */
export function userIdTrouble(principal: unknown): string | null {
  const expected = `expected { id } with a text of 1 to ${USER_BYTES_MAX} bytes of UTF-8`
  if (typeof principal !== "object" || principal === null) return `${expected}, got ${typeof principal}`
  const { id } = principal as { readonly id?: unknown }
  if (typeof id !== "string") return `${expected}, got an id of type ${id === null ? "null" : typeof id}`
  // A lone surrogate would be encoded as another text, thus as another user.
  if (/\p{Cs}/u.test(id)) return `${expected}, got an id with a lone surrogate`
  const bytes = Buffer.byteLength(id)
  return bytes >= 1 && bytes <= USER_BYTES_MAX ? null : `${expected}, got ${bytes} bytes`
}
