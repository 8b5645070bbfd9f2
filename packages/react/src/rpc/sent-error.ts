import { type ErrorCode, isLfError, LfError, type Outcome } from "@lf/core"
import { toLfError } from "@lf/core/internal"
import type { SentError } from "./protocol.ts"

/** `code` is used for what is no `LfError`. */
export function errorToSent(error: unknown, code: ErrorCode = "WORKER_FAILED"): SentError {
  const { code: known, message, cause, stack } = toLfError(error, code)
  const sent = { code: known, message, stack: isLfError(error) ? stack : stackOf(error) }
  if (known !== "MUTATION_REJECTED") return sent
  const outcome = cause as Outcome | undefined // Local puts the outcome there
  return outcome?.type === "rejected" ? { ...sent, reject: { code: outcome.code, data: outcome.data } } : sent
}

/** The error at this end, with its original stack. */
export function sentToError({ code, message, stack, reject }: SentError): LfError {
  const error = new LfError(code as ErrorCode, message, reject === undefined ? undefined : { cause: reject })
  if (stack !== undefined) error.stack = stack
  return error
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined
}
