import { ByteWriter } from "../base/bytes.ts"
import { isLfError, LfError, toLfError } from "../base/error.ts"
import { ERROR_CODES, type ErrorCode } from "../base/error-codes.ts"
import type { Lsn } from "../base/lsn.ts"
import { writePlain } from "../base/plain.ts"

/** What a `Reject` may carry: a hundred of them and a part of pages fit one frame. */
export const REJECT_DATA_BYTES_MAX = 4096
/** A rejection's own code is a name, not a text; it is stored in the document. */
export const REJECT_CODE_CHARS_MAX = 40
const MESSAGE_CHARS_MAX = 500

/** A mutation was refused. `code` is a `Reject`'s own or one of ours; `data` is what `Reject` carries. */
export interface Rejected {
  readonly type: "rejected"
  readonly code: string
  readonly data: unknown
}

/** What a run of a mutation came to, before its transaction is committed. */
export type RunResult = { readonly type: "applied" } | Rejected

export const APPLIED: RunResult = { type: "applied" }

/**
 * What became of a mutation at the server, as far as its reader knows: it is in the document, at `lsn` of the server at the latest,
 * or it was rejected. `unknown` is never a guess: `discarded` by `clear` before an answer came, or `forgotten` because what was
 * kept about it is gone (cleared site data, a sign-in, more than OUTCOMES_KEPT later ones).
 */
export type Outcome =
  | { readonly type: "applied"; readonly lsn: Lsn }
  | Rejected
  | { readonly type: "unknown"; readonly reason: "discarded" | "forgotten" }

/** What became of the mutation `uid`. */
export interface MutationOutcome {
  readonly uid: string
  readonly outcome: Outcome
}

export function rejected(code: ErrorCode, data: unknown = null): Rejected {
  return { type: "rejected", code, data }
}

/**
 * Throw it in a mutator when the app's rules refuse the call. The transaction leaves nothing but
 * `code`, which every reader may see, at most REJECT_CODE_CHARS_MAX of it; `data` goes to the author alone, if it is plain
 * data of at most REJECT_DATA_BYTES_MAX.
 */
export class Reject extends Error {
  readonly code: string
  readonly data: unknown

  constructor(code: string, data: unknown = null) {
    super(code)
    this.name = "Reject"
    this.code = code
    this.data = data
  }
}

/** Errors that are not the mutation's fault: the document stops and does not advance (T10). */
export function isFatal(error: unknown): boolean {
  return isLfError(error) && error.code === "SQL_CORRUPT"
}

/** Whether it is the app's `Reject`. By name: bundles hold several copies of the class. */
export function isReject(error: unknown): error is Reject {
  return error instanceof Error && error.name === "Reject" && "code" in error
}

/** `sendsMessages`: the message of what was thrown goes to the author too. It may say anything: for development. */
export function rejectionOf(error: unknown, sendsMessages = false): RunResult {
  if (isReject(error)) {
    const code = String(error.code).slice(0, REJECT_CODE_CHARS_MAX)
    return { type: "rejected", code, data: "data" in error ? carried(error.data) : null }
  }
  const { code, message } = toLfError(error, "MUTATION_THREW")
  // The code is stored in the document: only our own codes are taken from an error.
  return rejected(
    Object.hasOwn(ERROR_CODES, code) ? code : "MUTATION_THREW",
    sendsMessages ? withMessage(message) : null,
  )
}

/** Why a mutation was not kept: what it threw, with the name of the mutation and the place where it was thrown. */
export function refusalOf(name: string, outcome: Rejected, thrown: unknown): LfError {
  if (isReject(thrown)) return new LfError("MUTATION_REJECTED", `${name}: ${outcome.code}`, { cause: outcome })
  const { code, message } = toLfError(thrown, "MUTATION_THREW")
  const refusal = new LfError(code, `${name}: ${message}`, { cause: thrown })
  if (thrown instanceof Error && thrown.stack !== undefined) refusal.stack = thrown.stack
  return refusal
}

/** What cannot be sent is left out: the rejection itself must arrive, or its author would be stuck (I21). */
function carried(data: unknown): unknown {
  const writer = new ByteWriter(128)
  try {
    writePlain(writer, data)
  } catch {
    return withMessage("what the rejection carried is no plain data")
  }
  return writer.length > REJECT_DATA_BYTES_MAX
    ? withMessage(`what the rejection carried is over ${REJECT_DATA_BYTES_MAX} bytes`)
    : data
}

function withMessage(message: string): { readonly message: string } {
  return { message: message.slice(0, MESSAGE_CHARS_MAX) }
}
