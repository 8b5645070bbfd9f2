import { type ErrorCode, LfError, type Outcome, toLfError } from "@lf/core"
import type { SentError } from "./protocol.ts"

export function errorToSent(error: unknown): SentError {
  const { code, message, cause } = toLfError(error, "WORKER_FAILED")
  if (code !== "MUTATION_REJECTED") return { code, message }
  const outcome = cause as Outcome | undefined // Local puts the outcome there
  if (outcome?.type !== "rejected") return { code, message }
  return { code, message, reject: { code: outcome.code, data: outcome.data } }
}

export function sentToError({ code, message, reject }: SentError): LfError {
  return new LfError(code as ErrorCode, message, reject === undefined ? undefined : { cause: reject })
}
