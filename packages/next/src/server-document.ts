import { type DefinedMutation, isLfError, LfError, type Outcome, type Query, type Row } from "@lf/core"
import type { AccessControl } from "./auth/access-control.ts"
import { userIdTrouble } from "./auth/user-id.ts"
import { type DehydratedQuery, type DehydratedState, dehydrateRows } from "./documents/dehydrate.ts"
import type { Lease, Rooms } from "./documents/rooms.ts"
import { isBuilding } from "./process/environment.ts"

/** A document in the server's own process, for server components, route handlers and jobs. Authorized like a socket. */
export interface ServerDocument {
  /**
   * Rows as the server has them. Reading a document that does not exist creates nothing.
   * @throws USER_ID_INVALID FORBIDDEN DOC_ID_INVALID DOC_NOT_FOUND SQL_ERROR SQL_DENIED SQL_BAD_PARAMETER, and what opening it throws
   */
  query<R>(query: Query<R>): Promise<R[]>
  /**
   * Runs a mutation as this user; creates a missing document if the user may. Resolves when the outcome is durable.
   * A mutation that `authorize` refuses is rejected with MUTATION_FORBIDDEN.
   * @throws USER_ID_INVALID FORBIDDEN DOC_ID_INVALID MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE DOC_STOPPED
   */
  mutate<Input>(mutation: DefinedMutation<Input>, args: Input): Promise<Outcome>
  /**
   * The queries' rows for TanStack's `HydrationBoundary`: first paint with data. Empty for a document that does not
   * exist or that the user may not read.
   */
  prefetch(...queries: readonly Query<unknown>[]): Promise<DehydratedState>
}

export interface ServerDocumentOptions<P extends { readonly id: string }> {
  readonly access: AccessControl<P>
  readonly rooms: Rooms
  readonly doc: string
  readonly as: P | null | "system"
}

export function openServerDocument<P extends { readonly id: string }>(
  options: ServerDocumentOptions<P>,
): ServerDocument {
  const { access, rooms, doc, as } = options
  const principal = as === "system" ? null : as
  const user = principal?.id ?? null
  const may = async (action: "read" | "write" | "create", mutation?: string) =>
    as === "system" || (await access.may({ principal, doc, action, ...(mutation === undefined ? {} : { mutation }) }))

  /** @throws FORBIDDEN DOC_NOT_FOUND USER_ID_INVALID */
  async function enter(create: boolean): Promise<Lease> {
    const trouble = principal === null ? null : userIdTrouble(principal)
    if (trouble !== null) throw new LfError("USER_ID_INVALID", trouble)
    if (isBuilding()) throw new LfError("DOC_NOT_FOUND", "documents are not opened while the app is built")
    if (!(await may("read"))) throw new LfError("FORBIDDEN", "authorize() refused to read")
    if (create && !(await rooms.has(doc)) && !(await may("create"))) {
      throw new LfError("FORBIDDEN", "authorize() refused to create")
    }
    return await rooms.enter(doc, { create })
  }

  async function prefetched(queries: readonly Query<unknown>[]): Promise<DehydratedQuery[]> {
    const { remote, leave } = await enter(false)
    try {
      return await Promise.all(
        queries.map(async (query) => dehydrateRows({ user, doc }, query, (await remote.read(query)) as Row[])),
      )
    } finally {
      leave()
    }
  }

  return {
    async query<R>(query: Query<R>) {
      const { remote, leave } = await enter(false)
      try {
        return await remote.read(query)
      } finally {
        leave()
      }
    },
    async mutate(mutation, args) {
      if (!(await may("write", mutation.name))) return { type: "rejected", code: "MUTATION_FORBIDDEN", data: null }
      const { remote, leave } = await enter(true)
      try {
        return await remote.mutate(mutation.name, args, user)
      } finally {
        leave()
      }
    },
    async prefetch(...queries) {
      try {
        return { mutations: [], queries: await prefetched(queries) }
      } catch (error) {
        const isAbsent = isLfError(error) && (error.code === "DOC_NOT_FOUND" || error.code === "FORBIDDEN")
        if (isAbsent) return { mutations: [], queries: [] }
        throw error
      }
    },
  }
}
