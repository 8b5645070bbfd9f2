import {
  type Cancel,
  ERROR_CODES,
  type ErrorCode,
  type Hello,
  LfError,
  type Pipe,
  type PipeListener,
  receive,
  toLfError,
} from "@lf/core"
import type { Gate } from "./gate.ts"
import { nodeHost } from "./node/node-host.ts"
import type { Rooms } from "./rooms.ts"
import { report } from "./shared.ts"

/** Answers to a visitor that are not the server's trouble. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  "AUTH_REQUIRED",
  "FORBIDDEN",
  "CLIENT_PROOF",
  "RATE_LIMITED",
  "SERVER_CLOSING",
  "SERVER_DIRECTORY_OWNED",
])

/** How often a reader's right to read is asked for again: who lost it is gone within this time (S2). */
export const RECHECK_MS = 60_000

export interface Visit<P extends { readonly id: string }> {
  readonly gate: Gate<P>
  readonly rooms: Rooms
  readonly pipe: Pipe
  readonly headers: Headers
  readonly url: URL
  readonly recheckMs?: number
}

/** A new connection: its hello, then who it is, what it may, and the document (S2, S3). Until then no disk is touched. */
export function welcomeVisitor<P extends { readonly id: string }>(visit: Visit<P>): void {
  receive(visit.pipe, nodeHost, async (hello) => {
    try {
      return await admit(visit, hello)
    } catch (error) {
      throw publicError(hello.docId, toLfError(error, "DOC_STOPPED"))
    }
  })
}

/** @throws AUTH_REQUIRED FORBIDDEN CLIENT_PROOF RATE_LIMITED SERVER_CLOSING, and what opening the document throws */
async function admit<P extends { readonly id: string }>(visit: Visit<P>, hello: Hello): Promise<PipeListener> {
  const { gate, rooms, pipe, headers, url } = visit
  const { docId: doc } = hello
  const principal = await gate.authenticate({ headers, url, token: hello.token === "" ? null : hello.token })
  const isAllowed =
    (await gate.may({ principal, doc, action: "read" })) &&
    ((await rooms.has(doc)) || (await gate.may({ principal, doc, action: "create" })))
  if (!isAllowed) throw new LfError("FORBIDDEN", "authorize() refused")
  const { remote, leave } = await rooms.enter(doc, { create: true })
  try {
    const mayWrite = (mutation: string) => gate.may({ principal, doc, action: "write", mutation })
    const listener = remote.connect({ pipe, hello, user: principal?.id ?? null, mayWrite })
    const stop = recheck(visit, () => gate.may({ principal, doc, action: "read" }))
    return {
      frame: (frame) => listener.frame(frame),
      closed(reason) {
        stop()
        listener.closed(reason)
        leave()
      },
    }
  } catch (error) {
    leave()
    throw error
  }
}

/** Asks again and again; a no, or no answer, closes the pipe, and the client hears why when it comes back. Returns its undo. */
function recheck(
  { pipe, recheckMs = RECHECK_MS }: Pick<Visit<never>, "pipe" | "recheckMs">,
  may: () => Promise<boolean>,
): Cancel {
  let cancel = nodeHost.after(recheckMs, ask)
  let isStopped = false
  function ask(): void {
    may().then(
      (isAllowed) => {
        if (isStopped) return
        if (isAllowed) cancel = nodeHost.after(recheckMs, ask)
        else pipe.close("FORBIDDEN")
      },
      () => pipe.close("SERVER_CLOSING"),
    )
  }
  return () => {
    isStopped = true
    cancel()
  }
}

/** What a visitor is told: the code and its sentence. Paths and causes stay here; a broken disk here is not one there. */
function publicError(docId: string, { code, message }: LfError): LfError {
  if (!EXPECTED.has(code)) report(`document ${docId} could not be opened: ${code}: ${message}`)
  const told = code.startsWith("LOG_") || code.startsWith("SQL_") ? "DOC_STOPPED" : code
  return new LfError(told, ERROR_CODES[told])
}
