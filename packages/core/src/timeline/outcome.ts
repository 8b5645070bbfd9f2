import { isLfError } from "../base/error.ts"
import type { ErrorCode } from "../base/error-codes.ts"

/** What became of a mutation where it ran. `code` is a `Reject`'s own or one of ours; `data` is what `Reject` carries. */
export type Outcome =
  | { readonly type: "applied" }
  | { readonly type: "rejected"; readonly code: string; readonly data: unknown }

export const APPLIED: Outcome = { type: "applied" }

export function rejected(code: ErrorCode, data: unknown = null): Outcome {
  return { type: "rejected", code, data }
}

/**
 * An expected no: throw it in a mutator when the app's rules refuse what was asked. The transaction leaves nothing but
 * `code`, which every reader may see; `data` goes to the author alone.
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

export function outcomeOf(error: unknown): Outcome {
  // By name: bundles hold several copies of the class.
  if (error instanceof Error && error.name === "Reject" && "code" in error) {
    return { type: "rejected", code: String(error.code), data: "data" in error ? error.data : null }
  }
  if (isLfError(error)) return rejected(error.code, { message: error.message })
  return rejected("MUTATION_THREW", { message: error instanceof Error ? error.message : String(error) })
}
