import { isLfError, sql } from "@lf/core"
import { createLf, type Lf } from "@lf/next"
import { homeOf, type Role } from "./app/lf/members"
import { mutator } from "./app/lf/mutators"
import { homeMutations, mutationsOf } from "./app/lf/rights"
import { type User, userOf } from "./auth.server"

// The server: one SQLite database per document, in .lf (or in the directory that LF_DATA_DIR names).
export const lf: Lf<User> = createLf<User>({
  mutator,
  authenticate: ({ headers }) => userOf(headers),
  // Asked when a document is opened and for every mutation. The rows decide, as they are now.
  authorize: async ({ principal, doc, mutation }) => {
    if (principal === null) return false
    if (doc.startsWith(homeOf(""))) {
      return doc === homeOf(principal.id) && (mutation === undefined || homeMutations.has(mutation))
    }
    const role = await roleIn(doc, principal.id)
    return role !== null && (mutation === undefined || mutationsOf[role].has(mutation))
  },
})

/** Null: no member. The first user of a list without members is its owner: its id is random, and StartList makes the row. */
async function roleIn(doc: string, user: string): Promise<Role | null> {
  try {
    const members = await lf
      .document(doc, { as: "system" })
      .query(sql<{ user: string; role: Role }>`select user_id as user, role from members`)
    return members.length === 0 ? "owner" : (members.find((member) => member.user === user)?.role ?? null)
  } catch (error) {
    if (isLfError(error) && error.code === "DOC_NOT_FOUND") return "owner"
    throw error
  }
}
