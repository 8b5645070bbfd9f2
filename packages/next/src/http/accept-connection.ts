import { ERROR_CODES, type ErrorCode, LfError } from "@lf/core"
import { type Admission, type Cancel, ClientConnection, type Hello, type OpenDocument } from "@lf/core/internal"
import type { AccessControl } from "../auth/access-control.ts"
import { ConnectionRights } from "../auth/connection-rights.ts"
import type { Reauthorizer } from "../auth/reauthorizer.ts"
import type { Rooms } from "../documents/rooms.ts"
import type { ConnectionQuotas, UnadmittedPipe } from "../limits/connection-quotas.ts"
import { type Reporter, toFailure } from "../log/error-report.ts"
import { nodeHost } from "../node/node-host.ts"

/** Codes that are no failure of the server, or are logged where they occur. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  "AUTH_REQUIRED",
  "USER_ID_INVALID",
  "PRINCIPAL_INVALID",
  "FORBIDDEN",
  "AUTHORIZE_FAILED",
  "CLIENT_PROOF",
  "RATE_LIMITED",
  "SERVER_CLOSING",
  "SERVER_DIRECTORY_OWNED",
  "STORE_UNAVAILABLE",
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

/** Serves a new socket. */
export function acceptConnection<P extends { readonly id: string }>(options: AcceptOptions<P>): void {
  const { pipe, quotas } = options
  const admission = new ServerAdmission(options, (code) => connection.close(code))
  const connection = new ClientConnection({ pipe, host: nodeHost, admission, helloMsMax: quotas.limits.helloMsMax })
}

/** Admits clients by the app's `authenticate` and `authorize`, the limits, and the rooms. */
class ServerAdmission<P extends { readonly id: string }> implements Admission<ConnectionRights<P>> {
  readonly #options: AcceptOptions<P>
  readonly #close: (code: ErrorCode) => void

  constructor(options: AcceptOptions<P>, close: (code: ErrorCode) => void) {
    this.#options = options
    this.#close = close
  }

  /** @throws AUTH_REQUIRED USER_ID_INVALID PRINCIPAL_INVALID AUTHORIZE_FAILED FORBIDDEN */
  authorize(hello: Hello): Promise<ConnectionRights<P>> {
    return this.#public(hello.docId, async () => {
      const { access, headers, url } = this.#options
      const request = { headers, url, token: hello.token === "" ? null : hello.token }
      return await ConnectionRights.ask({ access, request, doc: hello.docId })
    })
  }

  /** @throws AUTHORIZE_FAILED FORBIDDEN RATE_LIMITED SERVER_CLOSING, and what opening the document throws */
  openDocument({ docId: doc }: Hello, rights: ConnectionRights<P>): Promise<OpenDocument> {
    return this.#public(doc, async () => {
      const { rooms, quotas, reauthorizer, pipe, address } = this.#options
      const { user } = rights
      const owner = user === null ? `at ${address}` : `user ${user}`
      const undos: Cancel[] = [() => rights.stop()]
      const release = () => {
        for (const undo of undos.splice(0)) undo()
      }
      try {
        const isNew = !(await rooms.has(doc))
        if (isNew) {
          if (!(await rights.mayCreate())) throw new LfError("FORBIDDEN", "refused to create")
          quotas.create(owner)
        }
        const quota = quotas.admit({ owner, docId: doc, pipe })
        undos.push(quota.leave)
        const connection = { user, ask: () => rights.recheck(), close: this.#close }
        // Opening takes time: a sign-out meanwhile counts.
        undos.push(reauthorizer.add(connection))
        rights.listen(() => reauthorizer.soon(connection))
        const { document: remote, leave } = await rooms.enter(doc, { create: isNew, isForClient: true })
        undos.push(leave)
        return { remote, pace: quota.pace, pipe: quota.pipe, welcomed: () => pipe.welcomed(), release }
      } catch (error) {
        release()
        throw error
      }
    })
  }

  /** Sends a client the code and its sentence only. */
  async #public<T>(doc: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      const failure = toFailure(error, "DOC_STOPPED")
      const { code } = failure
      const { reporter } = this.#options
      if (!EXPECTED.has(code)) reporter.failed({ event: "document-not-opened", error: failure, code, doc })
      const sent = sentCode(code)
      throw new LfError(sent, ERROR_CODES[sent])
    }
  }
}

/** A client takes codes of a log and of SQL for its own disk's and queries'. */
function sentCode(code: ErrorCode): ErrorCode {
  if (code === "LOG_OWNED" || code === "LOG_DEPOSED") return "SERVER_DIRECTORY_OWNED"
  return code.startsWith("LOG_") || code.startsWith("SQL_") ? "DOC_STOPPED" : code
}
