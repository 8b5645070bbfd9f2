import type { ErrorCode } from "./error-codes.ts"

/**
 * An expected failure of the environment or of a request. `code` is stable and documented in docs/errors.md;
 * `message` is for people and may change. Compare codes, never classes: bundles hold several copies of this one.
 */
export class LfError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = "LfError"
    this.code = code
  }
}

/** Whether a thrown value is an error of lf, by its name: also when another copy of the module made it. */
export function isLfError(error: unknown): error is LfError {
  return error instanceof Error && error.name === "LfError" && "code" in error && typeof error.code === "string"
}

/** What any thrown value is as an `LfError`: itself, or wrapped under `code`. */
export function toLfError(error: unknown, code: ErrorCode): LfError {
  if (isLfError(error)) return error
  return new LfError(code, error instanceof Error ? error.message : String(error), { cause: error })
}
