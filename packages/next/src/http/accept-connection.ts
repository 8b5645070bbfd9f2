import { type Cancel, ERROR_CODES, type ErrorCode, type Hello, LfError, type PipeListener, receive } from "@lf/core"
import type { AccessControl } from "../auth/access-control.ts"
import type { Reauthorizer } from "../auth/reauthorizer.ts"
import type { Rooms } from "../documents/rooms.ts"
import type { ConnectionQuotas, UnadmittedPipe } from "../limits/connection-quotas.ts"
import { type Reporter, toFailure } from "../log/error-report.ts"
import { nodeHost } from "../node/node-host.ts"

/** Answers to a visitor that are not the server's trouble, or were logged where they happened. */
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
  /** Whose limits count when nobody is signed in. */
  readonly address: string
  readonly headers: Headers
  readonly url: URL
}

/** A new connection: its hello, then who it is, what it may, and the document (S2, S3). Until then no disk is touched. */
export function acceptConnection<P extends { readonly id: string }>(accept: AcceptOptions<P>): void {
  const admitted = async (hello: Hello) => {
    try {
      return await admit(accept, hello)
    } catch (error) {
      throw publicError(accept, hello.docId, error)
    }
  }
  receive(accept.pipe, nodeHost, admitted, accept.quotas.limits.helloMsMax)
}

/** @throws AUTH_REQUIRED USER_ID_INVALID AUTHORIZE_FAILED FORBIDDEN CLIENT_PROOF RATE_LIMITED SERVER_CLOSING, and what opening the document throws */
async function admit<P extends { readonly id: string }>(accept: AcceptOptions<P>, hello: Hello): Promise<PipeListener> {
  const { access, rooms, quotas, pipe, headers, url } = accept
  const { docId: doc } = hello
  const request = { headers, url, token: hello.token === "" ? null : hello.token }
  const principal = await access.authenticate(request)
  const mayRead = () => access.may({ principal, doc, action: "read" })
  if (!(await mayRead())) throw new LfError("FORBIDDEN", "authorize() refused to read")
  const user = principal?.id ?? null
  const owner = user === null ? `at ${accept.address}` : `user ${user}`
  if (!(await rooms.has(doc))) {
    if (!(await access.may({ principal, doc, action: "create" }))) throw new LfError("FORBIDDEN", "refused to create")
    quotas.create(owner)
  }
  const quota = quotas.welcome({ owner, docId: doc, pipe })
  const undos: Cancel[] = [quota.leave]
  try {
    const { remote, leave } = await rooms.enter(doc, { create: true })
    undos.push(leave)
    const mayWrite = (mutation: string) => access.may({ principal, doc, action: "write", mutation })
    const listener = remote.connect({ pipe: quota.pipe, hello, user, mayWrite, pace: quota.pace })
    pipe.welcomed()
    const isStill = async () => {
      const now = await access.authenticate(request)
      if ((now?.id ?? null) !== user) return "AUTH_REQUIRED"
      return (await mayRead()) ? null : "FORBIDDEN"
    }
    undos.push(accept.reauthorizer.add({ user, ask: isStill, close: (code) => pipe.close(code) }))
    return {
      frame: (frame) => listener.frame(frame),
      closed(reason) {
        listener.closed(reason)
        for (const undo of undos) undo()
      },
    }
  } catch (error) {
    for (const undo of undos) undo()
    throw error
  }
}

/** What a visitor is told: the code and its sentence. Paths and causes stay here; a broken disk here is not one there. */
function publicError({ reporter }: Pick<AcceptOptions<never>, "reporter">, doc: string, error: unknown): LfError {
  const failure = toFailure(error, "DOC_STOPPED")
  const { code } = failure
  if (!EXPECTED.has(code)) reporter.failed({ event: "document-not-opened", error: failure, code, doc })
  const told = code.startsWith("LOG_") || code.startsWith("SQL_") ? "DOC_STOPPED" : code
  return new LfError(told, ERROR_CODES[told])
}
