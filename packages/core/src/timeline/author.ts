import { ByteWriter, textToBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { writePlain } from "../base/plain.ts"

/** What `authenticate` answered of a user, as JSON carries it: a Date is a text, a function is left out. */
export interface Principal {
  readonly id: string
  readonly [claim: string]: unknown
}

/** Who makes a mutation, as in `lf.document(id, { as })`: a user, the server itself, or null: a client without a user. */
export type Author = Principal | "system" | null

/** A principal is kept with every batch that its user sends. */
export const PRINCIPAL_BYTES_MAX = 16 * 1024

export function userOf(author: Author): string | null {
  return author === null || author === "system" ? null : author.id
}

/** All that a device knows of its user. */
export function authorOf(user: string | null): Author {
  return user === null ? null : { id: user }
}

/** An author as it is kept: the user's id, and `principal` where that does not say all. */
export interface KeptAuthor {
  readonly user: string | null
  readonly principal?: Principal | "system"
}

export function keepAuthor(author: Author): KeptAuthor {
  if (author === null) return { user: null }
  if (author === "system") return { user: null, principal: author }
  return Object.keys(author).length > 1 ? { user: author.id, principal: author } : { user: author.id }
}

export function keptAuthor({ user, principal }: KeptAuthor): Author {
  return principal ?? authorOf(user)
}

/**
 * A principal as it is kept, without what only the server's memory has.
 * @throws PRINCIPAL_INVALID for what JSON cannot carry, or what is too large
 */
export function asPrincipal(given: { readonly id: string }): Principal {
  const { id } = given
  let claims: object
  try {
    claims = JSON.parse(JSON.stringify(given))
    writePlain(new ByteWriter(128), claims)
  } catch {
    throw new LfError("PRINCIPAL_INVALID", "expected a principal that JSON can carry, got another one")
  }
  const bytes = textToBytes(JSON.stringify(claims)).length
  if (bytes > PRINCIPAL_BYTES_MAX) {
    throw new LfError(
      "PRINCIPAL_INVALID",
      `expected a principal of at most ${PRINCIPAL_BYTES_MAX} bytes as JSON, got ${bytes}: keep large data elsewhere`,
    )
  }
  return { ...claims, id }
}
