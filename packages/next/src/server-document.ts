import { setTimeout } from "node:timers/promises"
import { type DefinedMutation, isLfError, LfError, type Outcome, type Query, type Row } from "@lf/core"
import type { Remote } from "@lf/core/internal"
import type { AccessControl } from "./auth/access-control.ts"
import { userIdTrouble } from "./auth/user-id.ts"
import { type DehydratedState, dehydrateRows } from "./documents/dehydrate.ts"
import { exportRemote } from "./documents/export.ts"
import type { Lease, Rooms } from "./documents/rooms.ts"
import { nodeHost } from "./node/node-host.ts"
import { atRequestTime } from "./process/request-time.ts"

const WAIT_MS_MAX = 10_000
const WAIT_STEP_MS = 20

/** A document in the server's own process, for server components, route handlers and jobs. Authorized like a socket. */
export interface ServerDocument {
  /**
   * Rows as the server has them. Reading a document that does not exist creates nothing.
   * @throws USER_ID_INVALID FORBIDDEN DOC_ID_INVALID DOC_NOT_FOUND SQL_ERROR SQL_DENIED SQL_BAD_PARAMETER, and what opening it throws
   */
  query<R>(query: Query<R>): Promise<R[]>
  /** As `query`, with the position that the rows are of: equal lsn, equal rows. @throws as `query` */
  read<R>(query: Query<R>): Promise<{ readonly rows: R[]; readonly lsn: number }>
  /** The position of the document now: what `"use cache"` gets as an argument to be never stale. @throws as `query` */
  lsn(): Promise<number>
  /**
   * Resolves when this process has the document at `lsn`, as an outcome named it.
   * @throws LSN_NOT_REACHED after 10 s, and as `query`
   */
  waitFor(lsn: number): Promise<void>
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
  /** The app's own tables as the bytes of a SQLite file, for a download. @throws as `query` */
  export(): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Deletes the document for good, for `as: "system"` alone. Open tabs get the code DOC_DELETED, and pending mutations of theirs
   * stay with them. A document that is created later under this id is another one.
   * @throws FORBIDDEN DOC_ID_INVALID DOC_NOT_FOUND SERVER_CLOSING SERVER_DIRECTORY_OWNED LOG_FAILED
   */
  delete(): Promise<void>
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
    await atRequestTime(doc)
    if (!(await may("read"))) throw new LfError("FORBIDDEN", "authorize() refused to read")
    if (create && !(await rooms.has(doc)) && !(await may("create"))) {
      throw new LfError("FORBIDDEN", "authorize() refused to create")
    }
    return await rooms.enter(doc, { create })
  }

  async function within<T>(create: boolean, work: (remote: Remote) => Promise<T>): Promise<T> {
    const { remote, leave } = await enter(create)
    try {
      return await work(remote)
    } finally {
      leave()
    }
  }

  const prefetched = (queries: readonly Query<unknown>[]) =>
    within(false, (remote) =>
      Promise.all(
        queries.map(async (query) => dehydrateRows({ user, doc }, query, (await remote.read(query)) as Row[])),
      ),
    )

  return {
    query: (query) => within(false, (remote) => remote.read(query)),
    read: (query) => within(false, (remote) => remote.readAt(query)),
    lsn: () => within(false, async (remote) => remote.lsn()),
    waitFor: (lsn) => within(false, (remote) => reached(remote, lsn)),
    async mutate(mutation, args) {
      if (!(await may("write", mutation.name))) return { type: "rejected", code: "MUTATION_FORBIDDEN", data: null }
      return await within(true, (remote) => remote.mutate(mutation.name, args, user))
    },
    export: () => within(false, exportRemote),
    async delete() {
      await atRequestTime(doc)
      if (as !== "system") throw new LfError("FORBIDDEN", `expected \`as: "system"\` for delete, got a user`)
      await rooms.delete(doc)
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

/** @throws LSN_NOT_REACHED */
async function reached(remote: Remote, lsn: number): Promise<void> {
  const endMs = nodeHost.monotonicMs() + WAIT_MS_MAX
  while (remote.lsn() < lsn) {
    if (nodeHost.monotonicMs() < endMs) await setTimeout(WAIT_STEP_MS)
    else throw new LfError("LSN_NOT_REACHED", `the document is at ${remote.lsn()} after 10 s, not at ${lsn}`)
  }
}
