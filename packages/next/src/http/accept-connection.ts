import { ERROR_CODES, type ErrorCode, LfError } from "@lf/core"
import {
  type Admission,
  type Cancel,
  ClientConnection,
  type Hello,
  type OpenDocument,
  type Rights,
} from "@lf/core/internal"
import type { AccessControl } from "../auth/access-control.ts"
import type { Reauthorizer } from "../auth/reauthorizer.ts"
import type { Rooms } from "../documents/rooms.ts"
import type { ConnectionQuotas, UnadmittedPipe } from "../limits/connection-quotas.ts"
import { type Reporter, toFailure } from "../log/error-report.ts"
import { nodeHost } from "../node/node-host.ts"

/** Codes that are no failure of the server, or are logged where they occur. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  "AUTH_REQUIRED",
  "USER_ID_INVALID",
  "FORBIDDEN",
  "AUTHORIZE_FAILED",
  "CLIENT_PROOF",
  "RATE_LIMITED",
  "SERVER_CLOSING",
  "SERVER_DIRECTORY_OWNED",
])

export interface AcceptOptions<P extends { readonly id: string }> {
  readonly access: AccessControl<P>
  readonly rooms: Rooms
  readonly quotas: ConnectionQuotas
  readonly reauthorizer: Reauthorizer
  readonly reporter: Reporter
  readonly pipe: UnadmittedPipe
  /** The address that an anonymous client's limits are counted by. */
  readonly address: string
  readonly headers: Headers
  readonly url: URL
}

/** The answers of `authenticate` and `authorize`. */
interface AuthorizedRights<P> extends Rights {
  readonly principal: P | null
  /** Calls both again. Null: the connection may stay; else the code that closes it. */
  recheck(): Promise<ErrorCode | null>
}

/** Serves a new socket. */
export function acceptConnection<P extends { readonly id: string }>(options: AcceptOptions<P>): void {
  const { pipe, quotas } = options
  const admission = new ServerAdmission(options, (code) => connection.close(code))
  const connection = new ClientConnection({ pipe, host: nodeHost, admission, helloMsMax: quotas.limits.helloMsMax })
}

/** Admits clients by the app's `authenticate` and `authorize`, the limits, and the rooms. */
class ServerAdmission<P extends { readonly id: string }> implements Admission<AuthorizedRights<P>> {
  readonly #options: AcceptOptions<P>
  readonly #close: (code: ErrorCode) => void

  constructor(options: AcceptOptions<P>, close: (code: ErrorCode) => void) {
    this.#options = options
    this.#close = close
  }

  /** @throws AUTH_REQUIRED USER_ID_INVALID AUTHORIZE_FAILED FORBIDDEN */
  authorize(hello: Hello): Promise<AuthorizedRights<P>> {
    return this.#public(hello.docId, async () => {
      const { access, headers, url } = this.#options
      const { docId: doc } = hello
      const request = { headers, url, token: hello.token === "" ? null : hello.token }
      // The answer to the last question: `authorize` gets it, not the one to the first.
      let principal = await access.authenticate(request)
      const user = principal?.id ?? null
      const mayRead = () => access.may({ principal, doc, action: "read" })
      if (!(await mayRead())) throw new LfError("FORBIDDEN", "authorize() refused to read")
      return {
        principal,
        user,
        mayWrite: (mutation) => access.may({ principal, doc, action: "write", mutation }),
        recheck: async () => {
          const now = await access.authenticate(request)
          if ((now?.id ?? null) !== user) return "AUTH_REQUIRED"
          principal = now
          return (await mayRead()) ? null : "FORBIDDEN"
        },
      }
    })
  }

  /** @throws AUTHORIZE_FAILED FORBIDDEN RATE_LIMITED SERVER_CLOSING, and what opening the document throws */
  openDocument({ docId: doc }: Hello, rights: AuthorizedRights<P>): Promise<OpenDocument> {
    return this.#public(doc, async () => {
      const { access, rooms, quotas, reauthorizer, pipe, address } = this.#options
      const { principal, user, recheck } = rights
      const owner = user === null ? `at ${address}` : `user ${user}`
      const isNew = !(await rooms.has(doc))
      if (isNew) {
        if (!(await access.may({ principal, doc, action: "create" })))
          throw new LfError("FORBIDDEN", "refused to create")
        quotas.create(owner)
      }
      const quota = quotas.admit({ owner, docId: doc, pipe })
      const undos: Cancel[] = [quota.leave]
      const release = () => {
        for (const undo of undos.splice(0)) undo()
      }
      try {
        // Opening takes time: a sign-out meanwhile counts.
        undos.push(reauthorizer.add({ user, ask: recheck, close: this.#close }))
        const { remote, leave } = await rooms.enter(doc, { create: isNew })
        undos.push(leave)
        return { remote, pace: quota.pace, pipe: quota.pipe, welcomed: () => pipe.welcomed(), release }
      } catch (error) {
        release()
        throw error
      }
    })
  }

  /** Sends a client the code and its sentence only, and DOC_STOPPED for LOG_ and SQL_ codes, which would mean its own disk. */
  async #public<T>(doc: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      const failure = toFailure(error, "DOC_STOPPED")
      const { code } = failure
      const { reporter } = this.#options
      if (!EXPECTED.has(code)) reporter.failed({ event: "document-not-opened", error: failure, code, doc })
      const sent = code.startsWith("LOG_") || code.startsWith("SQL_") ? "DOC_STOPPED" : code
      throw new LfError(sent, ERROR_CODES[sent])
    }
  }
}
