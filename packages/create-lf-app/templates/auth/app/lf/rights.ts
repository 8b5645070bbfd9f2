// Who may do what, as `authorize` answers it. The rows of a list decide, as they are now.
import { isLfError, type Sql, sql } from "@lf/core"
import { ForgetList, homeOf, Invite, KeepList, NameMe, RemoveMember, type Role, StartList } from "./members"
import { todoMutations } from "./todo-mutations"

const viewer = [NameMe.name]
const editor = [...viewer, ...todoMutations.map(({ name }) => name)]
const owner = [...editor, StartList.name, Invite.name, RemoveMember.name]

/** What each role may send. A mutation that is in none of them can be run by the server alone. */
const mutationsOf: Readonly<Record<Role, ReadonlySet<string>>> = {
  viewer: new Set(viewer),
  editor: new Set(editor),
  owner: new Set(owner),
}

const homeMutations: ReadonlySet<string> = new Set([KeepList.name, ForgetList.name])

interface Request {
  readonly principal: { readonly id: string } | null
  readonly doc: string
  readonly mutation?: string | undefined
}

/** `lf.document` of the server, or of the tests' one. */
type DocumentOf = (doc: string) => { query<R>(query: Sql<R>): Promise<R[]> }

/** Whether a user may open a document, or run a mutation in it. */
export async function isAllowed({ principal, doc, mutation }: Request, documentOf: DocumentOf): Promise<boolean> {
  if (principal === null) return false
  if (doc.startsWith(homeOf(""))) {
    return doc === homeOf(principal.id) && (mutation === undefined || homeMutations.has(mutation))
  }
  const role = await roleIn(documentOf(doc), principal.id)
  return role !== null && (mutation === undefined || mutationsOf[role].has(mutation))
}

/** Null: no member. The first user of a list without members is its owner: its id is random, and StartList makes the row. */
async function roleIn(list: ReturnType<DocumentOf>, user: string): Promise<Role | null> {
  try {
    const members = await list.query(sql<{ user: string; role: Role }>`select user_id as user, role from members`)
    return members.length === 0 ? "owner" : (members.find((member) => member.user === user)?.role ?? null)
  } catch (error) {
    if (isLfError(error) && error.code === "DOC_NOT_FOUND") return "owner"
    throw error
  }
}
