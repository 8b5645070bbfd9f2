import { setTimeout } from "node:timers/promises"
import {
  type Author,
  type DefinedMutation,
  type ErrorCode,
  isLfError,
  LfError,
  type Outcome,
  type Query,
  type Row,
} from "@lf/core"
import { asPrincipal, type RowsAt, type ServedDocument, uuidV7 } from "@lf/core/internal"
import type { AccessControl, Action } from "./auth/access-control.ts"
import { unwatched, type WatchedReads, watchedReads } from "./auth/rights-watch.ts"
import { userIdTrouble } from "./auth/user-id.ts"
import { type DehydratedState, dehydrateRows } from "./documents/dehydrate.ts"
import { exportServed } from "./documents/export.ts"
import type { Lease, Rooms } from "./documents/rooms.ts"
import { nodeHost } from "./node/node-host.ts"
import { atRequestTime } from "./process/request-time.ts"

const WAIT_MS_MAX = 10_000
const WAIT_STEP_MS = 20
/** A call whose document went to another server meanwhile is made again there, for so long. */
const AGAIN_MS_MAX = 3_000
/** Between two tries of a mutation: each may open the document anew. */
const SEND_AGAIN_MS = 100
/** The document stopped while a mutation was under way. */
const LOST: ReadonlySet<ErrorCode> = new Set(["DOC_STOPPED", "LOG_DEPOSED", "LOG_FAILED"])

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
   * A mutation that `authorize` refuses is rejected with MUTATION_FORBIDDEN. One whose server ends meanwhile is sent again and runs once;
   * DOC_STOPPED, LOG_DEPOSED and LOG_FAILED say that it may be durable, and that for 3 s no server answered.
   * @throws USER_ID_INVALID PRINCIPAL_INVALID FORBIDDEN DOC_ID_INVALID MUTATION_UNKNOWN MUTATION_ARGS_INVALID MUTATION_TOO_LARGE DOC_STOPPED LOG_DEPOSED LOG_FAILED
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
   * @throws FORBIDDEN DOC_ID_INVALID DOC_NOT_FOUND SERVER_CLOSING SERVER_DIRECTORY_OWNED STORE_UNAVAILABLE LOG_OWNED LOG_FAILED
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
  const entrance = new Entrance(options)
  const { doc } = options
  const prefetched = (queries: readonly Query<unknown>[]) =>
    entrance.reading((document) =>
      Promise.all(
        queries.map(async (query) =>
          dehydrateRows({ user: entrance.user, doc }, query, (await document.readAt(query)).rows as Row[]),
        ),
      ),
    )
  return {
    query: async (query) => (await entrance.read(query)).rows,
    read: async (query) => {
      const { rows, lsn } = await entrance.read(query)
      return { rows, lsn }
    },
    lsn: () => entrance.reading((document) => document.position()),
    waitFor: (lsn) => entrance.reading((document) => reached(document, lsn)),
    async mutate(mutation, args) {
      const { name } = mutation
      if (!(await entrance.may("write", name))) return { type: "rejected", code: "MUTATION_FORBIDDEN", data: null }
      return await entrance.writing((document, uid) => document.mutate(name, args, entrance.author, uid))
    },
    export: () => entrance.reading((document) => exportServed(document, { from: options.rooms.store, docId: doc })),
    delete: () => entrance.delete(),
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

/** The way into a document for one principal: authorized each time, and the document stays open as long as the work takes. */
class Entrance<P extends { readonly id: string }> {
  readonly #access: AccessControl<P>
  readonly #rooms: Rooms
  readonly #doc: string
  readonly #as: P | null | "system"

  constructor({ access, rooms, doc, as }: ServerDocumentOptions<P>) {
    this.#access = access
    this.#rooms = rooms
    this.#doc = doc
    this.#as = as
  }

  get user(): string | null {
    return this.#principal?.id ?? null
  }

  /** @throws PRINCIPAL_INVALID */
  get author(): Author {
    return this.#as === "system" || this.#as === null ? this.#as : asPrincipal(this.#as)
  }

  /** @throws AUTHORIZE_FAILED */
  async may(action: Action, mutation?: string): Promise<boolean> {
    if (this.#as === "system") return true
    const request = { principal: this.#principal, doc: this.#doc, action }
    return await this.#access.may(mutation === undefined ? request : { ...request, mutation })
  }

  within<T>(create: boolean, work: (document: ServedDocument) => Promise<T>): Promise<T> {
    return unwatched(async () => {
      const { document, leave } = await this.#enter(create)
      try {
        return await work(document)
      } finally {
        leave()
      }
    })
  }

  /** What changes nothing, and can be done again. */
  reading<T>(work: (document: ServedDocument) => Promise<T>): Promise<T> {
    return again(() => this.within(false, work))
  }

  /**
   * What lost its answer is sent again, with its uid, to the server that has the document by then: it runs once (T28). If no server
   * answers, the caller gets what the first try failed with.
   */
  async writing<T>(work: (document: ServedDocument, uid: string) => Promise<T>): Promise<T> {
    const uid = uuidV7(nodeHost.nowMs(), nodeHost.randomBytes(10))
    const lost: unknown[] = []
    let endMs = 0
    const send = async (document: ServedDocument) => {
      try {
        return await work(document, uid)
      } catch (error) {
        if (isLost(error) && lost.push(error) === 1) endMs = nodeHost.monotonicMs() + AGAIN_MS_MAX
        throw error
      }
    }
    for (;;) {
      try {
        return await this.within(lost.length === 0, send)
      } catch (error) {
        const isTriedAgain = nodeHost.monotonicMs() < endMs && (isLost(error) || isPassing(error))
        if (!isTriedAgain) throw lost.length > 0 ? lost[0] : error
      }
      await setTimeout(SEND_AGAIN_MS)
    }
  }

  async delete(): Promise<void> {
    await atRequestTime(this.#doc)
    if (this.#as !== "system") throw new LfError("FORBIDDEN", `expected \`as: "system"\` for delete, got a user`)
    await this.#rooms.delete(this.#doc)
  }

  /** Durable rows; below `authorize` they are watched from now on. */
  read<R>(query: Query<R>): Promise<RowsAt<R>> {
    const watched = watchedReads()
    return watched === null
      ? this.reading((document) => document.readAt(query))
      : again(() => this.#watch(query, watched))
  }

  /** The document stays open as long as the watch. */
  #watch<R>(query: Query<R>, { onChanged, add }: WatchedReads): Promise<RowsAt<R>> {
    return unwatched(async () => {
      const { document, leave } = await this.#enter(false)
      try {
        const found = await document.readAt(query, onChanged)
        add(() => {
          found.stop()
          leave()
        })
        return found
      } catch (error) {
        leave()
        throw error
      }
    })
  }

  /** @throws FORBIDDEN DOC_NOT_FOUND USER_ID_INVALID */
  async #enter(create: boolean): Promise<Lease> {
    const trouble = this.#principal === null ? null : userIdTrouble(this.#principal)
    if (trouble !== null) throw new LfError("USER_ID_INVALID", trouble)
    await atRequestTime(this.#doc)
    if (!(await this.may("read"))) throw new LfError("FORBIDDEN", "authorize() refused to read")
    if (create && !(await this.#rooms.has(this.#doc)) && !(await this.may("create"))) {
      throw new LfError("FORBIDDEN", "authorize() refused to create")
    }
    return await this.#rooms.enter(this.#doc, { create })
  }

  get #principal(): P | null {
    return this.#as === "system" ? null : this.#as
  }
}

/** Whether it may be durable all the same. */
function isLost(error: unknown): boolean {
  return isLfError(error) && LOST.has(error.code)
}

/** Whether the document may open soon. */
function isPassing(error: unknown): boolean {
  return isLfError(error) && (error.code === "STORE_UNAVAILABLE" || error.code === "LOG_OWNED")
}

/** Until no server closes the document under it. */
async function again<T>(read: () => Promise<T>): Promise<T> {
  const endMs = nodeHost.monotonicMs() + AGAIN_MS_MAX
  for (;;) {
    try {
      return await read()
    } catch (error) {
      const isMoved = isLfError(error) && (error.code === "DOC_STOPPED" || error.code === "LOG_DEPOSED")
      if (!isMoved || nodeHost.monotonicMs() >= endMs) throw error
    }
    await setTimeout(WAIT_STEP_MS)
  }
}

/** @throws LSN_NOT_REACHED */
async function reached(document: ServedDocument, lsn: number): Promise<void> {
  const endMs = nodeHost.monotonicMs() + WAIT_MS_MAX
  for (let position = await document.position(); position < lsn; position = await document.position()) {
    if (nodeHost.monotonicMs() < endMs) await setTimeout(WAIT_STEP_MS)
    else throw new LfError("LSN_NOT_REACHED", `the document is at ${position} after 10 s, not at ${lsn}`)
  }
}
