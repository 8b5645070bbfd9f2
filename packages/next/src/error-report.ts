import { LfError, toLfError } from "@lf/core"
import { report } from "./shared.ts"

/** Where something went wrong: what is known of it. */
export interface ErrorContext {
  readonly doc?: string
  /** The name of a mutation of the app's, and the uid of the one that failed. */
  readonly mutation?: string
  readonly uid?: string
  /** Whose mutation it was; null: nobody is signed in. */
  readonly user?: string | null
}

/** Told of everything that fails at the server besides the answers that its clients get. Its own errors are reported. */
export type OnError = (error: LfError, context: ErrorContext) => void

export interface Failure extends ErrorContext {
  /** What failed, as the beginning of a line: "document a: mutation Add 0193…". */
  readonly what: string
  readonly error: unknown
}

const FRAMES_MAX = 6

/**
 * One line in the log and one call of the app's `onError`. The line has the code or the class, and in which functions it
 * happened, never the message: it may quote what was sent (S16). In development the whole error is printed besides.
 */
export function reportFailure({ what, error, ...context }: Failure, onError: OnError | undefined): void {
  const failure = toLfError(error, "MUTATION_THREW")
  const kind = error instanceof Error && error.name !== "LfError" ? `${error.name} (${failure.code})` : failure.code
  report(`${what} failed: ${kind}${placesOf(error)}`)
  // Next's overlay and terminal show it with the source.
  if (process.env.NODE_ENV === "development") console.error(error)
  onError?.(failure, context)
}

/** An app's `onError` that may throw without harm. */
export function guarded(onError: OnError): OnError {
  return (error, context) => {
    try {
      onError(error, context)
    } catch (thrown) {
      report(`onError() threw ${thrown instanceof Error ? thrown.name : typeof thrown}${placesOf(thrown)}`)
    }
  }
}

/** " at f (a.ts:1:2) < at g (b.ts:3:4)": the stack without the message before it. */
export function placesOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return ""
  const { stack } = error
  const header = String(error)
  // A stack that does not begin as it should was written by somebody: nothing of it is known to be a place.
  if (!stack.startsWith(header)) return ""
  const frames = stack
    .slice(header.length)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at "))
  return frames.length === 0 ? "" : ` ${frames.slice(0, FRAMES_MAX).join(" < ")}`
}

/** An `LfError` with a code for what something else threw, which stays its cause. */
export function asFailure(code: LfError["code"], message: string, cause: unknown): LfError {
  return new LfError(code, message, { cause })
}
